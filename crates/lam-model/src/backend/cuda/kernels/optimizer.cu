// Gradient norm and AdamW over everything that is trained, in one launch each.
#include "values.cuh"

// A segment is one matrix, or one vector. Its values lie one after another in param, m and v from `start` (a multiple
// of 1024); its gradient has rows of `gld` values from `grad`. Where dst is not null, its bf16 copy (times `scale`) has
// rows of `dld` values there; where dst2 is not null, a transposed one rows of `dld2`. decay: whether weight decay
// applies.
//
// Blocks of 256 threads take 1024 values each: block b is of the segment block_seg[b]. grid: all blocks of all
// segments.
struct Segment {
  i64 start;
  i64 n;
  int cols;
  int gld;
  const float *grad;
  bf16 *dst;
  i64 dld;
  bf16 *dst2;
  i64 dld2;
  float scale;
  int decay;
};
DEV void publish(const Segment &s, i64 r, i64 c, float p) {
  const bf16 v = f2bf(p * s.scale);
  if (s.dst) s.dst[r * s.dld + c] = v;
  if (s.dst2) s.dst2[c * s.dld2 + r] = v;
}
// partial[b] = the sum of squares of the gradients of block b's 1024 values.
KERNEL void BOUNDS(256, 8) grad_norm(const Segment *seg, const int *block_seg, float *partial) {
  __shared__ float tmp[33];
  const Segment s = seg[block_seg[blockIdx.x]];
  float a = 0.f;
#pragma unroll
  for (int i = 0; i < 4; i++) {
    i64 e = (i64)blockIdx.x * 1024 + i * 256 + threadIdx.x - s.start;
    if (e < s.n) {
      float g = s.grad[(e / s.cols) * s.gld + e % s.cols];
      a += g * g;
    }
  }
  a = block_sum(a, tmp);
  if (threadIdx.x == 0) partial[blockIdx.x] = a;
}
// A step: moments of the gradients times `scale`, and p = p (1 - rate decay) - rate (m / correction1) / (sqrt(v /
// correction2) + eps), with correction = 1 - beta^step.
struct Step {
  float rate, beta1, beta2, eps, decay, correction1, correction2, scale;
};
KERNEL void BOUNDS(256, 8)
    adamw(const Segment *seg, const int *block_seg, float *param, float *m, float *v, Step step, const float *scaled) {
  // Where `scaled` is given, the scale is there, and 0 says that nothing is to move.
  const float scale = scaled ? *scaled : step.scale;
  if (scaled && scale == 0.f) return;
  const Segment s = seg[block_seg[blockIdx.x]];
  const float b1 = step.beta1, b2 = step.beta2, shrunk = 1.f - step.rate * (s.decay ? step.decay : 0.f);
#pragma unroll
  for (int i = 0; i < 4; i++) {
    i64 at = (i64)blockIdx.x * 1024 + i * 256 + threadIdx.x, e = at - s.start;
    if (e < s.n) {
      i64 r = e / s.cols, c = e % s.cols;
      float g = s.grad[r * s.gld + c] * scale, p = param[at];
      float mm = b1 * m[at] + (1.f - b1) * g, vv = b2 * v[at] + (1.f - b2) * g * g;
      m[at] = mm;
      v[at] = vv;
      p = p * shrunk - step.rate * (mm / step.correction1) / (sqrtf(vv / step.correction2) + step.eps);
      param[at] = p;
      publish(s, r, c, p);
    }
  }
}
// The bf16 copies alone (after a load).
KERNEL void BOUNDS(256, 8) publish_all(const Segment *seg, const int *block_seg, const float *param) {
  const Segment s = seg[block_seg[blockIdx.x]];
#pragma unroll
  for (int i = 0; i < 4; i++) {
    i64 at = (i64)blockIdx.x * 1024 + i * 256 + threadIdx.x, e = at - s.start;
    if (e < s.n) publish(s, e / s.cols, e % s.cols, param[at]);
  }
}
