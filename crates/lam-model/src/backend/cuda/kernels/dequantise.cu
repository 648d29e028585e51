// Quantised weights to bf16: rows of a frozen weight, or some columns of them, into a panel that a product reads. Exactly
// the numbers of the processor's `kernel/blocks.rs`: scale x quant needs at most 21 bits, so fused or not, only the sum
// and bf16 round. q: the rows' quants; scales: an f16 for every 32 values (not of Q4_K); both from the panel's first row
// and column on, `whole` values from one row to the next. w: rows of ldw values; K: values of a row of the panel.
#include "half.cuh"
#include "values.cuh"

// Q4_K: 256 values in 144 bytes (d, dmin as f16; 12 bytes of 6-bit scales and minima; 128 bytes of nibbles). One warp a
// block, 8 values a lane. threads: 256. grid: any; rows K / 2048 up takes each block once. K is a multiple of 256.
KERNEL void BOUNDS(256, 8) dequantise_q4_k(const unsigned char *q, const unsigned short *, i64 whole, bf16 *w,
                                           i64 ldw, i64 rows, int K) {
  const int lane = threadIdx.x & 31, per = K / 256;
  const i64 blocks = rows * per;
  for (i64 b = (blockIdx.x * (i64)blockDim.x + threadIdx.x) >> 5; b < blocks; b += ((i64)gridDim.x * blockDim.x) >> 5) {
    const unsigned char *p = q + (b / per * (whole / 256) + b % per) * 144;
    const u32 dm = *(const u32 *)p;
    const float d = h2f(dm & 0xffff), dmin = h2f(dm >> 16);
    const int j = lane >> 3, in = (lane & 7) * 8, hi = in >= 32, is = 2 * j + hi;
    const unsigned char *s = p + 4;
    int sc, mn;
    if (is < 4) {
      sc = s[is] & 63;
      mn = s[is + 4] & 63;
    } else {
      sc = (s[is + 4] & 15) | ((s[is - 4] >> 6) << 4);
      mn = (s[is + 4] >> 4) | ((s[is] >> 6) << 4);
    }
    const float ds = d * sc, m = dmin * mn;
    const uint2 v = *(const uint2 *)(p + 16 + 32 * j + (in & 31));
    float f[8];
#pragma unroll
    for (int i = 0; i < 8; i++) f[i] = ds * (float)(((i < 4 ? v.x : v.y) >> ((i & 3) * 8 + hi * 4)) & 15) - m;
    *(uint4 *)(w + b / per * ldw + b % per * 256 + lane * 8) = pack8(f);
  }
}

// Q8_0: a scale, 32 x i8. Eight values a thread. threads: 256. grid: any; rows K / 2048 up takes each value once. K is a
// multiple of 32.
KERNEL void BOUNDS(256, 8) dequantise_q8_0(const unsigned char *q, const unsigned short *scales, i64 whole, bf16 *w,
                                           i64 ldw, i64 rows, int K) {
  const int per = K / 8;
  const i64 n = rows * per;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x) {
    const i64 row = e / per, part = e % per;
    const float d = h2f(scales[row * (whole / 32) + part / 4]);
    const uint2 v = *(const uint2 *)(q + row * whole + part * 8);
    float f[8];
#pragma unroll
    for (int i = 0; i < 8; i++) f[i] = d * (float)(signed char)(((i < 4 ? v.x : v.y) >> ((i & 3) * 8)) & 255);
    *(uint4 *)(w + row * ldw + part * 8) = pack8(f);
  }
}

// Q4_0: a scale, 16 bytes whose low nibbles are the first 16 values, around 8. Threads and grid as for Q8_0.
KERNEL void BOUNDS(256, 8) dequantise_q4_0(const unsigned char *q, const unsigned short *scales, i64 whole, bf16 *w,
                                           i64 ldw, i64 rows, int K) {
  const int per = K / 8;
  const i64 n = rows * per;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x) {
    const i64 row = e / per, block = row * (whole / 32) + e % per / 4;
    const int part = (int)(e % per & 3), shift = part >= 2 ? 4 : 0;
    const float d = h2f(scales[block]), offset = -8.f * d;
    const uint2 v = *(const uint2 *)(q + block * 16 + (part & 1) * 8);
    float f[8];
#pragma unroll
    for (int i = 0; i < 8; i++) f[i] = d * (float)(((i < 4 ? v.x : v.y) >> ((i & 3) * 8 + shift)) & 15) + offset;
    *(uint4 *)(w + row * ldw + e % per * 8) = pack8(f);
  }
}

// Columns of bf16 to a place beside or below a panel's. Threads and grid as for Q8_0. K is a multiple of 8.
KERNEL void BOUNDS(256, 8) copy_columns(const bf16 *x, i64 ldx, bf16 *y, i64 ldy, i64 rows, int K) {
  const int per = K / 8;
  const i64 n = rows * per;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x)
    *(uint4 *)(y + e / per * ldy + e % per * 8) = *(const uint4 *)(x + e / per * ldx + e % per * 8);
}
