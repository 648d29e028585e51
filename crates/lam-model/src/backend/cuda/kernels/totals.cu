// What a step comes to, made on the device so that nobody waits for it: sums of losses, and how gradients are scaled.
#include "values.cuh"

// out[0] = the sum of n losses, out[1] = the sum of n hits, each rounded once to f32; always in the same order.
// grid: 1; 256 threads.
KERNEL void BOUNDS(256, 1) loss_totals(const float *losses, const int *hits, int n, float *out) {
  __shared__ double sums[256];
  __shared__ int counts[256];
  const int own = threadIdx.x;
  double sum = 0.;
  int count = 0;
  for (int i = own; i < n; i += 256) {
    sum += losses[i];
    count += hits[i];
  }
  sums[own] = sum;
  counts[own] = count;
  for (int half = 128; half; half >>= 1) {
    __syncthreads();
    if (own < half) {
      sums[own] += sums[own + half];
      counts[own] += counts[own + half];
    }
  }
  if (own == 0) {
    out[0] = (float)sums[0];
    out[1] = (float)counts[0];
  }
}
// Clipping by the global norm: with gradients that are to be multiplied by `scale` and then have at most the norm `most`
// (0: any norm).
struct Clip {
  double scale, most;
};
// out[0] = squares[0], the sum of the squares of the gradients as they are; out[1] = what each is to be multiplied by, scale
// and clipping; 0 where the norm is no number: then nothing is to move. grid: 1; 1 thread.
KERNEL void BOUNDS(32, 1) clip_scale(const float *squares, Clip clip, float *out) {
  const double norm = sqrt((double)squares[0] * clip.scale * clip.scale);
  const double factor = clip.most > 0. && norm > clip.most ? clip.most / norm : 1.;
  out[0] = squares[0];
  out[1] = norm < 1e300 ? (float)(clip.scale * factor) : 0.f;
}
