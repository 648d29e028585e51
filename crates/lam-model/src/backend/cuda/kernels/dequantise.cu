// GGUF's blocks to bf16: rows of a frozen weight into a panel that a product reads. Exactly the numbers of the
// processor's `kernel/blocks.rs`: scale x quant needs at most 21 bits, so fused or not, only the sum and bf16 round. q:
// the rows' blocks one after another; w: rows of ldw values; K: values of a row.
#include "values.cuh"

DEV float h2f(u32 h) {
#ifdef EMU
  int e = (h >> 10) & 31;
  float m = (h & 1023) / 1024.f, v = e ? ldexpf(1.f + m, e - 15) : ldexpf(m, -14);
  return (h & 0x8000) ? -v : v;
#else
  float f;
  asm("cvt.f32.f16 %0, %1;" : "=f"(f) : "h"((unsigned short)h));
  return f;
#endif
}
// Blocks of 34 and 18 bytes lie at even addresses only.
DEV u32 ld_half(const unsigned char *p) { return *(const unsigned short *)p; }

// Q4_K: 256 values in 144 bytes (d, dmin as f16; 12 bytes of 6-bit scales and minima; 128 bytes of nibbles). One warp a
// block, 8 values a lane. threads: 256. grid: any; rows K / 2048 up takes each block once. K is a multiple of 256.
KERNEL void BOUNDS(256, 8) dequantise_q4_k(const unsigned char *q, bf16 *w, i64 ldw, i64 rows, int K) {
  const int lane = threadIdx.x & 31, per = K / 256;
  const i64 blocks = rows * per;
  for (i64 b = (blockIdx.x * (i64)blockDim.x + threadIdx.x) >> 5; b < blocks; b += ((i64)gridDim.x * blockDim.x) >> 5) {
    const unsigned char *p = q + b * 144;
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

// Q8_0: 32 values in 34 bytes (d as f16; 32 x i8). Four threads a block, 8 values each. threads: 256. grid: any;
// rows K / 2048 up takes each block once. K is a multiple of 32.
KERNEL void BOUNDS(256, 8) dequantise_q8_0(const unsigned char *q, bf16 *w, i64 ldw, i64 rows, int K) {
  const int per = K / 8;
  const i64 n = rows * per;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x) {
    const unsigned char *p = q + (e >> 2) * 34;
    const float d = h2f(ld_half(p));
    float f[8];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const u32 v = ld_half(p + 2 + (e & 3) * 8 + i * 2);
      f[2 * i] = d * (float)(signed char)(v & 255);
      f[2 * i + 1] = d * (float)(signed char)(v >> 8);
    }
    *(uint4 *)(w + e / per * ldw + e % per * 8) = pack8(f);
  }
}

// Q4_0: 32 values in 18 bytes (d as f16; 16 bytes whose low nibbles are the first 16 values, around 8). Threads and
// grid as for Q8_0.
KERNEL void BOUNDS(256, 8) dequantise_q4_0(const unsigned char *q, bf16 *w, i64 ldw, i64 rows, int K) {
  const int per = K / 8;
  const i64 n = rows * per;
  for (i64 e = blockIdx.x * (i64)blockDim.x + threadIdx.x; e < n; e += (i64)gridDim.x * blockDim.x) {
    const unsigned char *p = q + (e >> 2) * 18;
    const float d = h2f(ld_half(p)), offset = -8.f * d;
    const int part = (int)(e & 3), shift = part >= 2 ? 4 : 0;
    float f[8];
#pragma unroll
    for (int i = 0; i < 4; i++) {
      const u32 v = ld_half(p + 2 + (part & 1) * 8 + i * 2);
      f[2 * i] = d * (float)((v >> shift) & 15) + offset;
      f[2 * i + 1] = d * (float)((v >> (8 + shift)) & 15) + offset;
    }
    *(uint4 *)(w + e / per * ldw + e % per * 8) = pack8(f);
  }
}
