// A scalar head: score[n] = x[row[n]] . w, and its gradients. x: bf16, rows of ldx values; w: [C] f32.
#include "values.cuh"

// grid: scores. threads: 256.
KERNEL void BOUNDS(256, 8) scores(const bf16 *x, i64 ldx, const int *row, const float *w, float *score, int C) {
  __shared__ float tmp[33];
  const bf16 *own = x + row[blockIdx.x] * ldx;
  float s = 0.f;
  for (int c = threadIdx.x; c < C; c += blockDim.x) s += bf2f(own[c]) * w[c];
  s = block_sum(s, tmp);
  if (threadIdx.x == 0) score[blockIdx.x] = s;
}
// Adds g[n] w to row row[n] of by_x (f32, [T, C]), where g is the gradient by the scores; no row is scored twice.
// grid: scores. threads: 256.
KERNEL void BOUNDS(256, 8) scores_by_rows(const float *g, const float *w, const int *row, float *by_x, int C) {
  for (int c = threadIdx.x; c < C; c += blockDim.x) by_x[row[blockIdx.x] * (i64)C + c] += g[blockIdx.x] * w[c];
}
// The gradient by w in parts: partial[b][c] = sum of g[n] x[row[n]][c] over the `rows` scores from b rows on, for
// `sum_rows` (rows.cu) to add up. grid: (columns / 256 up, n / rows up). threads: 256, a column each.
KERNEL void BOUNDS(256, 8)
    scores_by_weight(const bf16 *x, i64 ldx, const int *row, const float *g, float *partial, int n, int C, int rows) {
  const int c = blockIdx.x * blockDim.x + threadIdx.x, n0 = blockIdx.y * rows;
  if (c >= C) return;
  float s = 0.f;
  for (int i = n0; i < min(n0 + rows, n); i++) s += g[i] * bf2f(x[row[i] * ldx + c]);
  partial[(i64)blockIdx.y * C + c] = s;
}
