// Numbers as they lie in memory, eight at a time, and sums over a warp or a block.
#pragma once
#include "device.cuh"

#define NEG_INF (__int_as_float(0xff800000))

DEV float bf2f(bf16 v) { return __uint_as_float(((u32)v) << 16); }
DEV float lo2f(u32 v) { return __uint_as_float(v << 16); }
DEV float hi2f(u32 v) { return __uint_as_float(v & 0xffff0000u); }
DEV bf16 f2bf(float v) { return (bf16)(pack2(v, 0.f) & 0xffffu); }
DEV void unpack8(float (&f)[8], uint4 v) {
  f[0] = lo2f(v.x);
  f[1] = hi2f(v.x);
  f[2] = lo2f(v.y);
  f[3] = hi2f(v.y);
  f[4] = lo2f(v.z);
  f[5] = hi2f(v.z);
  f[6] = lo2f(v.w);
  f[7] = hi2f(v.w);
}
DEV uint4 pack8(const float (&f)[8]) {
  return make_uint4(pack2(f[0], f[1]), pack2(f[2], f[3]), pack2(f[4], f[5]), pack2(f[6], f[7]));
}
// Eight values in one or two accesses of 16 bytes. The address must be a multiple of 16.
DEV void ld8(float (&f)[8], const float *p) {
  const float4 a = *(const float4 *)p, b = *(const float4 *)(p + 4);
  f[0] = a.x;
  f[1] = a.y;
  f[2] = a.z;
  f[3] = a.w;
  f[4] = b.x;
  f[5] = b.y;
  f[6] = b.z;
  f[7] = b.w;
}
DEV void ld8(float (&f)[8], const bf16 *p) { unpack8(f, *(const uint4 *)p); }
DEV void st8(float *p, const float (&f)[8]) {
  *(float4 *)p = make_float4(f[0], f[1], f[2], f[3]);
  *(float4 *)(p + 4) = make_float4(f[4], f[5], f[6], f[7]);
}
DEV void st8(bf16 *p, const float (&f)[8]) { *(uint4 *)p = pack8(f); }
// One value.
DEV float ld1(const float *p) { return *p; }
DEV float ld1(const bf16 *p) { return bf2f(*p); }
DEV void st1(float *p, float v) { *p = v; }
DEV void st1(bf16 *p, float v) { *p = f2bf(v); }

DEV float warp_sum(float v) {
#pragma unroll
  for (int m = 16; m; m >>= 1) v += shfl_xor(v, m);
  return v;
}
DEV float warp_max(float v) {
#pragma unroll
  for (int m = 16; m; m >>= 1) v = fmaxf(v, shfl_xor(v, m));
  return v;
}
// Sum over the block (at most 32 warps); every thread gets it. `tmp` holds 33 floats of shared memory.
DEV float block_sum(float v, float *tmp) {
  v = warp_sum(v);
  int w = threadIdx.x >> 5, n = (blockDim.x + 31) >> 5;
  __syncthreads();
  if ((threadIdx.x & 31) == 0) tmp[w] = v;
  __syncthreads();
  float s = 0.f;
  for (int i = 0; i < n; i++) s += tmp[i];
  return s;
}
DEV float block_max(float v, float *tmp) {
  v = warp_max(v);
  int w = threadIdx.x >> 5, n = (blockDim.x + 31) >> 5;
  __syncthreads();
  if ((threadIdx.x & 31) == 0) tmp[w] = v;
  __syncthreads();
  float s = NEG_INF;
  for (int i = 0; i < n; i++) s = fmaxf(s, tmp[i]);
  return s;
}
// The largest of the warp's values, which are not negative.
DEV int warp_max_int(int v) {
#pragma unroll
  for (int m = 16; m; m >>= 1) {
    const int other = __float_as_int(shfl_xor(__int_as_float(v), m));
    v = other > v ? other : v;
  }
  return v;
}
DEV int warp_min_int(int v) {
#pragma unroll
  for (int m = 16; m; m >>= 1) {
    const int other = __float_as_int(shfl_xor(__int_as_float(v), m));
    v = other < v ? other : v;
  }
  return v;
}
