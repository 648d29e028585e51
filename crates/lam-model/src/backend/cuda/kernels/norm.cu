// RMSNorm: h = x w / sqrt(mean(x^2) + eps), row by row, and its gradients. x: [T, C], the residual stream, f32 or
// (kernels named *_bf16) bf16; w: [C] bf16; h and the gradient by it: bf16. C is a multiple of 8.
#include "values.cuh"

// ------------------------------------------------------------------------------------------------ rows up to 4096 wide
// grid: T. threads: C/8 up to whole warps, 8 values each: all loads of a row are in flight at once. C <= 4096.

// h (leading dimension ldh) and rstd[t] = 1 / sqrt(mean(x^2) + eps). With `delta` (bf16, [T, C]) x becomes x + delta
// first and is written to xo.
template <class X>
DEV void rms_norm_forward_(const X *x, const bf16 *delta, X *xo, const bf16 *w, bf16 *h, i64 ldh, float *rstd, int C,
                           float eps) {
  __shared__ float tmp[33];
  const i64 t = blockIdx.x;
  const int c = threadIdx.x * 8;
  const bool in = c < C;
  float v[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f}, ss = 0.f;
  uint4 wv = make_uint4(0, 0, 0, 0);
  if (in) {
    ld8(v, x + t * C + c);
    wv = *(const uint4 *)(w + c);
    if (delta) {
      float d[8];
      ld8(d, delta + t * C + c);
#pragma unroll
      for (int j = 0; j < 8; j++) v[j] += d[j];
      st8(xo + t * C + c, v);
    }
#pragma unroll
    for (int j = 0; j < 8; j++) ss += v[j] * v[j];
  }
  ss = block_sum(ss, tmp);
  const float r = rsqrtf(ss / C + eps);
  if (threadIdx.x == 0) rstd[t] = r;
  if (in) {
    float g[8];
    unpack8(g, wv);
#pragma unroll
    for (int j = 0; j < 8; j++) g[j] *= v[j] * r;
    st8(h + t * ldh + c, g);
  }
}
KERNEL void BOUNDS(512, 3) rms_norm_forward(const float *x, const bf16 *delta, float *xo, const bf16 *w, bf16 *h,
                                            i64 ldh, float *rstd, int C, float eps) {
  rms_norm_forward_(x, delta, xo, w, h, ldh, rstd, C, eps);
}
KERNEL void BOUNDS(512, 4) rms_norm_forward_bf16(const bf16 *x, const bf16 *delta, bf16 *xo, const bf16 *w, bf16 *h,
                                                 i64 ldh, float *rstd, int C, float eps) {
  rms_norm_forward_(x, delta, xo, w, h, ldh, rstd, C, eps);
}

// Adds to g (f32, [T, C], the gradient by the residual stream) the gradient by x, where dh is the one by h ([T, C]).
// Also writes bf16(g) with leading dimension ldb. first != 0: g is not read (it starts here). *_bf16: the residual
// gradient is kept in gb alone.
template <class X, bool F32>
DEV void rms_norm_backward_(const X *x, const float *rstd, const bf16 *w, const bf16 *dh, float *g, bf16 *gb, i64 ldb,
                            int C, int first) {
  __shared__ float tmp[33];
  const i64 t = blockIdx.x;
  const float r = rstd[t];
  const int c = threadIdx.x * 8;
  const bool in = c < C;
  float xv[8], dv[8], o[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f}, s = 0.f;
  if (in) {
    ld8(xv, x + t * C + c);
    const uint4 dw = *(const uint4 *)(dh + t * C + c), ww = *(const uint4 *)(w + c);
    if (!first) {
      if constexpr (F32)
        ld8(o, g + t * C + c);
      else
        ld8(o, gb + t * ldb + c);
    }
    float wv[8];
    unpack8(wv, ww);
    unpack8(dv, dw);
#pragma unroll
    for (int j = 0; j < 8; j++) {
      dv[j] *= wv[j];
      s += dv[j] * xv[j];
    }
  }
  s = block_sum(s, tmp) * r * r / C; // mean(dh w xhat) rstd
  if (in) {
#pragma unroll
    for (int j = 0; j < 8; j++) o[j] += r * (dv[j] - xv[j] * s);
    if constexpr (F32) st8(g + t * C + c, o);
    st8(gb + t * ldb + c, o);
  }
}
KERNEL void BOUNDS(512, 3) rms_norm_backward(const float *x, const float *rstd, const bf16 *w, const bf16 *dh, float *g,
                                             bf16 *gb, i64 ldb, int C, int first) {
  rms_norm_backward_<float, true>(x, rstd, w, dh, g, gb, ldb, C, first);
}
KERNEL void BOUNDS(512, 3) rms_norm_backward_bf16(const bf16 *x, const float *rstd, const bf16 *w, const bf16 *dh,
                                                  float *g, bf16 *gb, i64 ldb, int C, int first) {
  rms_norm_backward_<bf16, false>(x, rstd, w, dh, g, gb, ldb, C, first);
}

// ------------------------------------------------------------------------------------------------ rows of any width
// As above with a loop over the columns, and rows of dh lddh values apart. grid: T. threads: 512. A thread reads again
// only what it wrote itself.
template <class X>
DEV void rms_norm_forward_wide_(const X *x, const bf16 *delta, X *xo, const bf16 *w, bf16 *h, i64 ldh, float *rstd,
                                int C, float eps) {
  __shared__ float tmp[33];
  const i64 t = blockIdx.x;
  float ss = 0.f;
  for (int c = threadIdx.x * 8; c < C; c += blockDim.x * 8) {
    float v[8];
    ld8(v, x + t * C + c);
    if (delta) {
      float d[8];
      ld8(d, delta + t * C + c);
#pragma unroll
      for (int j = 0; j < 8; j++) v[j] += d[j];
      st8(xo + t * C + c, v);
    }
#pragma unroll
    for (int j = 0; j < 8; j++) ss += v[j] * v[j];
  }
  const float r = rsqrtf(block_sum(ss, tmp) / C + eps);
  if (threadIdx.x == 0) rstd[t] = r;
  const X *from = delta ? xo : x;
  for (int c = threadIdx.x * 8; c < C; c += blockDim.x * 8) {
    float v[8], g[8];
    ld8(v, from + t * C + c);
    ld8(g, w + c);
#pragma unroll
    for (int j = 0; j < 8; j++) g[j] *= v[j] * r;
    st8(h + t * ldh + c, g);
  }
}
KERNEL void BOUNDS(512, 3) rms_norm_forward_wide(const float *x, const bf16 *delta, float *xo, const bf16 *w, bf16 *h,
                                                 i64 ldh, float *rstd, int C, float eps) {
  rms_norm_forward_wide_(x, delta, xo, w, h, ldh, rstd, C, eps);
}
KERNEL void BOUNDS(512, 3) rms_norm_forward_wide_bf16(const bf16 *x, const bf16 *delta, bf16 *xo, const bf16 *w,
                                                      bf16 *h, i64 ldh, float *rstd, int C, float eps) {
  rms_norm_forward_wide_(x, delta, xo, w, h, ldh, rstd, C, eps);
}
template <class X, bool F32>
DEV void rms_norm_backward_wide_(const X *x, const float *rstd, const bf16 *w, const bf16 *dh, i64 lddh, float *g,
                                 bf16 *gb, i64 ldb, int C, int first) {
  __shared__ float tmp[33];
  const i64 t = blockIdx.x;
  const float r = rstd[t];
  float s = 0.f;
  for (int c = threadIdx.x * 8; c < C; c += blockDim.x * 8) {
    float xv[8], dv[8], wv[8];
    ld8(xv, x + t * C + c);
    ld8(dv, dh + t * lddh + c);
    ld8(wv, w + c);
#pragma unroll
    for (int j = 0; j < 8; j++) s += dv[j] * wv[j] * xv[j];
  }
  s = block_sum(s, tmp) * r * r / C;
  for (int c = threadIdx.x * 8; c < C; c += blockDim.x * 8) {
    float xv[8], dv[8], wv[8], o[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
    ld8(xv, x + t * C + c);
    ld8(dv, dh + t * lddh + c);
    ld8(wv, w + c);
    if (!first) {
      if constexpr (F32)
        ld8(o, g + t * C + c);
      else
        ld8(o, gb + t * ldb + c);
    }
#pragma unroll
    for (int j = 0; j < 8; j++) o[j] += r * (dv[j] * wv[j] - xv[j] * s);
    if constexpr (F32) st8(g + t * C + c, o);
    st8(gb + t * ldb + c, o);
  }
}
KERNEL void BOUNDS(512, 3) rms_norm_backward_wide(const float *x, const float *rstd, const bf16 *w, const bf16 *dh,
                                                  i64 lddh, float *g, bf16 *gb, i64 ldb, int C, int first) {
  rms_norm_backward_wide_<float, true>(x, rstd, w, dh, lddh, g, gb, ldb, C, first);
}
KERNEL void BOUNDS(512, 3) rms_norm_backward_wide_bf16(const bf16 *x, const float *rstd, const bf16 *w, const bf16 *dh,
                                                       i64 lddh, float *g, bf16 *gb, i64 ldb, int C, int first) {
  rms_norm_backward_wide_<bf16, false>(x, rstd, w, dh, lddh, g, gb, ldb, C, first);
}

// ------------------------------------------------------------------------------------------------ gradient by w
// partial[b][c] = sum of dh x rstd over the `rows` rows from b rows on; `sum_rows` (rows.cu) adds the parts up.
// grid: (columns / 1024 up, T / rows up). threads: 128, 8 columns each.
template <class X>
DEV void rms_norm_weight_(const X *x, const float *rstd, const bf16 *dh, i64 lddh, float *partial, int T, int C,
                          int rows) {
  const int c = (blockIdx.x * blockDim.x + threadIdx.x) * 8, t0 = blockIdx.y * rows;
  if (c >= C) return;
  float sum[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
  for (i64 t = t0; t < min(t0 + rows, T); t++) {
    float xv[8], dv[8];
    ld8(xv, x + t * C + c);
    ld8(dv, dh + t * lddh + c);
    const float r = rstd[t];
#pragma unroll
    for (int j = 0; j < 8; j++) sum[j] += dv[j] * xv[j] * r;
  }
  st8(partial + (i64)blockIdx.y * C + c, sum);
}
KERNEL void BOUNDS(128, 8) rms_norm_weight(const float *x, const float *rstd, const bf16 *dh, i64 lddh, float *partial,
                                           int T, int C, int rows) {
  rms_norm_weight_(x, rstd, dh, lddh, partial, T, C, rows);
}
KERNEL void BOUNDS(128, 8) rms_norm_weight_bf16(const bf16 *x, const float *rstd, const bf16 *dh, i64 lddh,
                                                float *partial, int T, int C, int rows) {
  rms_norm_weight_(x, rstd, dh, lddh, partial, T, C, rows);
}

// ------------------------------------------------------------------------------------------------ norm of each head
// Queries or keys of Qwen3: each of the `heads` heads of a row is normed by one weight of D <= 256 values. x, y:
// columns of rows of ldx, ldy values; y may be x. threads: 256, a warp a head of a row at a time. grid: any.
KERNEL void BOUNDS(256, 4)
    head_norm_forward(const bf16 *x, i64 ldx, const bf16 *w, bf16 *y, i64 ldy, int T, int heads, int D, float eps) {
  const int lane = threadIdx.x & 31;
  const i64 n = (i64)T * heads, step = (i64)gridDim.x * 8;
  for (i64 e = (i64)blockIdx.x * 8 + (threadIdx.x >> 5); e < n; e += step) {
    const bf16 *xr = x + e / heads * ldx + e % heads * D;
    bf16 *yr = y + e / heads * ldy + e % heads * D;
    float ss = 0.f;
    for (int c = lane; c < D; c += 32) ss += bf2f(xr[c]) * bf2f(xr[c]);
    const float r = rsqrtf(warp_sum(ss) / D + eps);
    for (int c = lane; c < D; c += 32) yr[c] = f2bf(bf2f(xr[c]) * r * bf2f(w[c]));
  }
}
// The gradient by y (leading dimension ldd) becomes the one by x, in place. With `partial`, its row b becomes block b's
// part of the gradient by w; `sum_rows` adds the parts up. grid: as many blocks as partial has rows.
KERNEL void BOUNDS(256, 4) head_norm_backward(const bf16 *x, i64 ldx, const bf16 *w, bf16 *d, i64 ldd, float *partial,
                                              int T, int heads, int D, float eps) {
  __shared__ float parts[8][256];
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
  const i64 n = (i64)T * heads, step = (i64)gridDim.x * 8;
  float by_w[8] = {0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f, 0.f};
  for (i64 e = (i64)blockIdx.x * 8 + warp; e < n; e += step) {
    const bf16 *xr = x + e / heads * ldx + e % heads * D;
    bf16 *dr = d + e / heads * ldd + e % heads * D;
    float ss = 0.f, s = 0.f;
    for (int c = lane; c < D; c += 32) {
      const float v = bf2f(xr[c]);
      ss += v * v;
      s += bf2f(dr[c]) * bf2f(w[c]) * v;
    }
    const float r = rsqrtf(warp_sum(ss) / D + eps), along = warp_sum(s) * r * r / D;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      const int c = lane + i * 32;
      if (c < D) {
        const float v = bf2f(xr[c]), g = bf2f(dr[c]);
        by_w[i] += g * v * r;
        dr[c] = f2bf(r * (g * bf2f(w[c]) - v * along));
      }
    }
  }
  if (!partial) return;
#pragma unroll
  for (int i = 0; i < 8; i++) parts[warp][lane + i * 32] = by_w[i];
  __syncthreads();
  for (int c = threadIdx.x; c < D; c += blockDim.x) {
    float s = 0.f;
    for (int i = 0; i < 8; i++) s += parts[i][c];
    partial[(i64)blockIdx.x * D + c] = s;
  }
}
