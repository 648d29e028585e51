// delta[h T + t] = rowsum(dO O) of each head: what the softmax' backward subtracts. o, dout: bf16 rows of ldo, ldd
// values.
#include "../values.cuh"

// A head row is 8 values a lane, of D/8 lanes: 8 or 16. threads: 256. grid: T H D / 2048 up. D is 64 or 128.
KERNEL void BOUNDS(256, 8)
    attention_delta(const bf16 *o, i64 ldo, const bf16 *dout, i64 ldd, float *delta, int T, int H, int D) {
  const int per = D / 8;
  i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x, row = e / per;
  int c = (int)(e % per) * 8, t = (int)(row / H), h = (int)(row % H);
  float s = 0.f;
  if (t < T) {
    float a[8], b[8];
    unpack8(a, *(const uint4 *)(o + t * ldo + h * D + c));
    unpack8(b, *(const uint4 *)(dout + t * ldd + h * D + c));
#pragma unroll
    for (int j = 0; j < 8; j++) s += a[j] * b[j];
  }
  for (int m = per / 2; m; m >>= 1) s += shfl_xor(s, m);
  if (t < T && c == 0) delta[(i64)h * T + t] = s;
}

// The same with 16 lanes a head row, of which the last have nothing where D is less than 128. grid: T H / 16 up.
KERNEL void BOUNDS(256, 8)
    attention_delta_padded(const bf16 *o, i64 ldo, const bf16 *dout, i64 ldd, float *delta, int T, int H, int D) {
  const i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x, row = e / 16;
  const int c = (int)(e % 16) * 8, t = (int)(row / H), h = (int)(row % H);
  float s = 0.f;
  if (t < T && c < D) {
    float a[8], b[8];
    ld8(a, o + t * ldo + h * D + c);
    ld8(b, dout + t * ldd + h * D + c);
#pragma unroll
    for (int j = 0; j < 8; j++) s += a[j] * b[j];
  }
  for (int m = 8; m; m >>= 1) s += shfl_xor(s, m);
  if (t < T && c == 0) delta[(i64)h * T + t] = s;
}
