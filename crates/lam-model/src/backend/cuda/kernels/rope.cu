// Rotary positions: the pair (c, c + D/2) of each head turns by its position's angle.
#include "values.cuh"

// In place on the first `heads` heads of each row of x (bf16, leading dimension ld; D a multiple of 16).
// table: [position][D/2] (cos, sin). dir = 1 turns, -1 turns back (the backward).
// threads: 256. grid: any; T heads D / 4096 up takes each 8 pairs once.
KERNEL void BOUNDS(256, 8)
    rope(bf16 *x, i64 ld, const int *pos, const float2 *table, int T, int heads, int D, float dir) {
  const int per = D / 16, n = heads * per;
  i64 total = (i64)T * n;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < total; e += (i64)gridDim.x * blockDim.x) {
    int t = (int)(e / n), r = (int)(e % n), h = r / per, c = (r % per) * 8;
    bf16 *p = x + t * ld + h * D + c;
    const float2 *cs = table + (i64)pos[t] * (D / 2) + c;
    float a[8], b[8], oa[8], ob[8];
    unpack8(a, *(const uint4 *)p);
    unpack8(b, *(const uint4 *)(p + D / 2));
#pragma unroll
    for (int j = 0; j < 8; j += 2) {
      float4 q = *(const float4 *)(cs + j);
      float s0 = q.y * dir, s1 = q.w * dir;
      oa[j] = a[j] * q.x - b[j] * s0;
      ob[j] = b[j] * q.x + a[j] * s0;
      oa[j + 1] = a[j + 1] * q.z - b[j + 1] * s1;
      ob[j + 1] = b[j + 1] * q.z + a[j + 1] * s1;
    }
    *(uint4 *)p = pack8(oa);
    *(uint4 *)(p + D / 2) = pack8(ob);
  }
}
