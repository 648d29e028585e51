// Products of one row with a matrix whose rows lie side by side: every block holds the row, every warp reads two of the
// matrix' rows at a time, once, at the memory's rate. What a generated token costs that is alone.
//
// A row is [x | inner]: K values, and R of an adapter. x is f32, normed where there is the weight of a norm, or (*_bf16)
// bf16. The matrix' rows have zeros behind K + R values, up to a multiple of 8; K is a multiple of 8. Shared memory: K + R
// floats, R up to a multiple of 8. threads: 256. grid: any; N / 16 up takes each row once.
#include "values.cuh"

// Puts eight values in their place: planes of the values 0..3 and 4..7 of every eight, without conflicts of banks.
DEV void put8(float4 *row, int n, int c, const float (&f)[8]) {
  row[c] = make_float4(f[0], f[1], f[2], f[3]);
  row[n + c] = make_float4(f[4], f[5], f[6], f[7]);
}
// [x | inner] into shared memory; returns its eights.
template <class X>
DEV int stage(float4 *row, const X *x, const bf16 *norm, const float *inner, int K, int R, float eps) {
  __shared__ float tmp[33];
  const int own = K / 8, n = own + (R + 7) / 8;
  float squares = 0.f, f[8];
  for (int c = threadIdx.x; c < own; c += blockDim.x) {
    ld8(f, x + c * 8);
    put8(row, n, c, f);
#pragma unroll
    for (int i = 0; i < 8; i++) squares += f[i] * f[i];
  }
  for (int c = own + threadIdx.x; c < n; c += blockDim.x) {
#pragma unroll
    for (int i = 0; i < 8; i++) f[i] = c * 8 + i - K < R ? inner[c * 8 + i - K] : 0.f;
    put8(row, n, c, f);
  }
  if (norm) {
    const float r = rsqrtf(block_sum(squares, tmp) / K + eps);
    for (int c = threadIdx.x; c < own; c += blockDim.x) {
      const float4 a = row[c], b = row[n + c];
      ld8(f, norm + c * 8);
      row[c] = make_float4(a.x * r * f[0], a.y * r * f[1], a.z * r * f[2], a.w * r * f[3]);
      row[n + c] = make_float4(b.x * r * f[4], b.y * r * f[5], b.z * r * f[6], b.w * r * f[7]);
    }
  }
  __syncthreads();
  return n;
}
// The row's products with two rows of the matrix, for every lane.
DEV void dot2(const bf16 *w0, const bf16 *w1, const float4 *row, int n, float &r0, float &r1) {
  float a = 0.f, b = 0.f;
#pragma unroll 4
  for (int c = threadIdx.x & 31; c < n; c += 32) {
    const uint4 p = __ldg((const uint4 *)w0 + c), q = __ldg((const uint4 *)w1 + c);
    const float4 l = row[c], h = row[n + c];
    a += lo2f(p.x) * l.x + hi2f(p.x) * l.y + lo2f(p.y) * l.z + hi2f(p.y) * l.w;
    a += lo2f(p.z) * h.x + hi2f(p.z) * h.y + lo2f(p.w) * h.z + hi2f(p.w) * h.w;
    b += lo2f(q.x) * l.x + hi2f(q.x) * l.y + lo2f(q.y) * l.z + hi2f(q.y) * l.w;
    b += lo2f(q.z) * h.x + hi2f(q.z) * h.y + lo2f(q.w) * h.z + hi2f(q.w) * h.w;
  }
  r0 = warp_sum(a);
  r1 = warp_sum(b);
}

// What becomes of a product: one of the two is not null. narrow = y; wide = y, or where `add` is not 0, wide += y.
template <class X>
DEV void product_(float4 *row, const bf16 *w, i64 ld, const X *x, const bf16 *norm, const float *inner, bf16 *narrow,
                  float *wide, int N, int K, int R, float eps, int add) {
  const int n = stage(row, x, norm, inner, K, R, eps), warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  for (int r = (blockIdx.x * 8 + warp) * 2; r < N; r += gridDim.x * 16) {
    const int next = min(r + 1, N - 1);
    float y[2];
    dot2(w + r * ld, w + next * ld, row, n, y[0], y[1]);
    const int to = r + lane;
    if (lane > next - r) continue;
    const float own = lane ? y[1] : y[0];
    if (narrow)
      narrow[to] = f2bf(own);
    else
      wide[to] = add ? wide[to] + own : own;
  }
}
KERNEL void BOUNDS(256, 3) single_product(const bf16 *w, i64 ld, const float *x, const bf16 *norm, const float *inner,
                                          bf16 *narrow, float *wide, int N, int K, int R, float eps, int add) {
  DYN_SMEM(smem);
  product_((float4 *)smem, w, ld, x, norm, inner, narrow, wide, N, K, R, eps, add);
}
KERNEL void BOUNDS(256, 3)
    single_product_bf16(const bf16 *w, i64 ld, const bf16 *x, const bf16 *norm, const float *inner, bf16 *narrow,
                        float *wide, int N, int K, int R, float eps, int add) {
  DYN_SMEM(smem);
  product_((float4 *)smem, w, ld, x, norm, inner, narrow, wide, N, K, R, eps, add);
}
// p = silu(gate) up, where the matrix has the rows of the gates, then those of the ups; F of each.
KERNEL void BOUNDS(256, 3) single_gate_up(const bf16 *w, i64 ld, const float *x, const bf16 *norm, const float *inner,
                                          float *p, int F, int K, int R, float eps) {
  DYN_SMEM(smem);
  float4 *row = (float4 *)smem;
  const int n = stage(row, x, norm, inner, K, R, eps), warp = threadIdx.x >> 5;
  for (int r = blockIdx.x * 8 + warp; r < F; r += gridDim.x * 8) {
    float gate, up;
    dot2(w + r * ld, w + (i64)(F + r) * ld, row, n, gate, up);
    if ((threadIdx.x & 31) == 0) p[r] = __fdividef(gate, 1.f + __expf(-gate)) * up;
  }
}
