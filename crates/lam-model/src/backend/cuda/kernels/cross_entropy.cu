// Cross-entropy and log-probabilities over a chunk of logits (f32 in, bf16 gradient out). A block a row.
#include "values.cuh"

// The loss without weights. grid: rows. threads: 1024. Rows lie V values apart; V is a multiple of 8. target < 0: no
// loss, gradient 0. row_loss[row] = -log p(target); dlogits = scale (p - 1_target).
KERNEL void BOUNDS(1024, 2)
    cross_entropy(const float *logits, bf16 *dlogits, const int *target, float *row_loss, int V, float scale) {
  __shared__ float tmp[33];
  const i64 row = blockIdx.x;
  const float *l = logits + row * V;
  bf16 *d = dlogits + row * V;
  const int tg = target[row];
  float m = NEG_INF, s = 0.f;
  for (int c = threadIdx.x * 8; c < V; c += 8192) {
    float4 a = *(const float4 *)(l + c), b = *(const float4 *)(l + c + 4);
    float mm = fmaxf(fmaxf(fmaxf(a.x, a.y), fmaxf(a.z, a.w)), fmaxf(fmaxf(b.x, b.y), fmaxf(b.z, b.w)));
    if (mm > m) {
      s *= __expf(m - mm);
      m = mm;
    }
    s += __expf(a.x - m) + __expf(a.y - m) + __expf(a.z - m) + __expf(a.w - m) + __expf(b.x - m) + __expf(b.y - m) +
         __expf(b.z - m) + __expf(b.w - m);
  }
  float M = block_max(m, tmp);
  s = block_sum(m == NEG_INF ? 0.f : s * __expf(m - M), tmp);
  if (threadIdx.x == 0) row_loss[row] = tg < 0 ? 0.f : M + __logf(s) - l[tg];
  const float inv = tg < 0 ? 0.f : scale / s, sc = tg < 0 ? 0.f : scale;
  for (int c = threadIdx.x * 8; c < V; c += 8192) {
    float4 a = *(const float4 *)(l + c), b = *(const float4 *)(l + c + 4);
    float o[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
#pragma unroll
    for (int j = 0; j < 8; j++) o[j] = __expf(o[j] - M) * inv - (c + j == tg ? sc : 0.f);
    *(uint4 *)(d + c) = pack8(o);
  }
}
// ------------------------------------------------------------------------------------------------ any vocabulary
// Below, V is what it is; logits lie ld values apart, gradients ldd, and the gradients' columns from V to `width`
// become zero, so that a product may run over them. Rows are read and written 16 bytes at a time where their distance
// allows it. grid: rows. threads: 1024.

// Four logits from column c on times a factor; -inf past the last.
DEV void ld_logits(float (&v)[4], const float *l, i64 ld, int c, int V, float factor) {
  if (ld % 4 == 0 && c + 4 <= V) {
    const float4 q = *(const float4 *)(l + c);
    v[0] = q.x * factor;
    v[1] = q.y * factor;
    v[2] = q.z * factor;
    v[3] = q.w * factor;
  } else {
#pragma unroll
    for (int j = 0; j < 4; j++) v[j] = c + j < V ? l[c + j] * factor : NEG_INF;
  }
}
DEV void st_gradients(bf16 *d, i64 ldd, int c, int width, const float (&g)[4]) {
  if (ldd % 4 == 0 && c + 4 <= width)
    *(uint2 *)(d + c) = make_uint2(pack2(g[0], g[1]), pack2(g[2], g[3]));
  else {
#pragma unroll
    for (int j = 0; j < 4; j++)
      if (c + j < width) d[c + j] = f2bf(g[j]);
  }
}

// The row's largest value of factor x logit, the sum of their exponentials over it, and (where MEAN) the sum of those
// times the values.
template <bool MEAN>
DEV void softmax_sums(const float *l, i64 ld, int V, float factor, float *tmp, float &M, float &s, float &mean) {
  float m = NEG_INF, sum = 0.f, along = 0.f, v[4];
  for (int c = threadIdx.x * 4; c < V; c += blockDim.x * 4) {
    ld_logits(v, l, ld, c, V, factor);
    const float mm = fmaxf(fmaxf(v[0], v[1]), fmaxf(v[2], v[3]));
    if (mm > m) {
      const float f = __expf(m - mm);
      sum *= f;
      if constexpr (MEAN) along *= f;
      m = mm;
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      const float p = v[j] == NEG_INF ? 0.f : __expf(v[j] - m);
      sum += p;
      if constexpr (MEAN) along += p * (v[j] == NEG_INF ? 0.f : v[j]);
    }
  }
  M = block_max(m, tmp);
  const float f = m == NEG_INF ? 0.f : __expf(m - M);
  s = block_sum(sum * f, tmp);
  if constexpr (MEAN) mean = block_sum(along * f, tmp);
}

// loss[row] = weight (-log p(token)), hit[row] = 1 where no logit is above the token's; and, where dlogits is not null,
// dlogits = weight (p - 1_token). A row whose token is below 0 has no loss, no hit and no gradient.
KERNEL void BOUNDS(1024, 2)
    cross_entropy_weighted(const float *logits, i64 ld, bf16 *dlogits, i64 ldd, const int *token, const float *weight,
                           float *loss, int *hit, int V, int width) {
  __shared__ float tmp[33];
  const i64 row = blockIdx.x;
  const float *l = logits + row * ld;
  const int own = token[row];
  float M, s, unused;
  softmax_sums<false>(l, ld, V, 1.f, tmp, M, s, unused);
  const float w = own < 0 ? 0.f : weight[row];
  if (threadIdx.x == 0) {
    loss[row] = own < 0 ? 0.f : w * (M + __logf(s) - l[own]);
    hit[row] = own < 0 ? 0 : l[own] >= M;
  }
  if (!dlogits) return;
  const float inv = w / s;
  for (int c = threadIdx.x * 4; c < width; c += blockDim.x * 4) {
    float v[4];
    ld_logits(v, l, ld, c, V, 1.f);
#pragma unroll
    for (int j = 0; j < 4; j++) v[j] = __expf(v[j] - M) * inv - (c + j == own ? w : 0.f);
    st_gradients(dlogits + row * ldd, ldd, c, width, v);
  }
}
KERNEL void BOUNDS(1024, 2) keep_allowed(float *logits, i64 ld, const int *words, int V, float never) {
  // logits = never where the bit of the token is 0: bit c % 32 of word c / 32 of the row is token c's.
  const i64 row = blockIdx.x;
  float *l = logits + row * ld;
  const int *w = words + row * ((V + 31) / 32);
  for (int c = threadIdx.x; c < V; c += blockDim.x)
    if (!((unsigned)w[c / 32] >> (c % 32) & 1)) l[c] = never;
}

// Of p = softmax(factor x logits), where factor is 1 / temperature: log_prob[row] = log p(token), entropy[row] =
// -sum p log p.
KERNEL void BOUNDS(1024, 2) log_probs_forward(const float *logits, i64 ld, const int *token, float *log_prob,
                                              float *entropy, int V, float factor) {
  __shared__ float tmp[33];
  const i64 row = blockIdx.x;
  const float *l = logits + row * ld;
  float M, s, mean;
  softmax_sums<true>(l, ld, V, factor, tmp, M, s, mean);
  if (threadIdx.x == 0) {
    const float lse = M + __logf(s);
    log_prob[row] = l[token[row]] * factor - lse;
    entropy[row] = lse - mean / s;
  }
}
// dlogits = factor (g (1_token - p) - h p (log p + H)), where g and h are the gradients by the log-probability and by
// the entropy H.
KERNEL void BOUNDS(1024, 2)
    log_probs_backward(const float *logits, i64 ld, bf16 *dlogits, i64 ldd, const int *token, const float *by_log_prob,
                       const float *by_entropy, int V, int width, float factor) {
  __shared__ float tmp[33];
  const i64 row = blockIdx.x;
  const float *l = logits + row * ld;
  const int own = token[row];
  float M, s, mean;
  softmax_sums<true>(l, ld, V, factor, tmp, M, s, mean);
  const float lse = M + __logf(s), H = lse - mean / s, g = by_log_prob[row], h = by_entropy[row];
  for (int c = threadIdx.x * 4; c < width; c += blockDim.x * 4) {
    float v[4];
    ld_logits(v, l, ld, c, V, factor);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      const float lp = v[j] - lse;
      v[j] = c + j < V ? factor * ((c + j == own ? g : 0.f) - __expf(lp) * (g + h * (lp + H))) : 0.f;
    }
    st_gradients(dlogits + row * ldd, ldd, c, width, v);
  }
}

// ------------------------------------------------------------------------------------------------ sums
// out[0] = scale * sum(v[0..n]); one block, fixed order.
KERNEL void BOUNDS(1024, 1) sum_f32(const float *v, i64 n, float *out, float scale) {
  __shared__ float tmp[33];
  float s = 0.f;
  for (i64 i = threadIdx.x; i < n; i += blockDim.x) s += v[i];
  s = block_sum(s, tmp);
  if (threadIdx.x == 0) out[0] = s * scale;
}
