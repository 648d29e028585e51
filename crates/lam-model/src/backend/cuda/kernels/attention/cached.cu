// Generation of many sequences: keys and values in pages, and attention of single rows over them.
//
// A page holds PAGE positions of a sequence: for each layer the keys [heads][PAGE][HEAD_DIM], then the values, bf16. The
// pages of a sequence are a run of addresses; a row's begin at pages[first[t]], and it stands at position[t]. `layer` is
// the place of a layer's keys in each page, in values. qkv: rows of H query, KV key and KV value heads, queries and keys
// turned.
//
// A row's keys are cut into parts of PART positions, counted from the sequence's beginning: who else is in the launch
// changes nothing in a row's sums. Before the source are defined: HEAD_DIM (a multiple of 8, at most 256), HEADS (query
// heads that a block takes at once, 1, 2 or 4), PAGE and PART (multiples of PAGE).
#include "../values.cuh"

// Lanes that read one key, 8 values each; keys that a warp reads at once; how many times it does so in a step.
#define LANES (HEAD_DIM <= 32 ? 4 : HEAD_DIM <= 64 ? 8 : HEAD_DIM <= 128 ? 16 : 32)
#define KEYS (32 / LANES)
#define TIMES 4
#define STEP (KEYS * TIMES)
#define WARPS 4
// Numbers of a part's result: sums of values, the largest score and the sum of weights.
#define RESULT (HEAD_DIM + 2)
// Below every score, and finite: differences of it are numbers.
#define LOWEST (-1e30f)

// Writes the keys and values of each row to its page. grid: T. threads: 128.
KERNEL void BOUNDS(128, 8) append_to_pages(const bf16 *qkv, i64 ld, const u64 *pages, const int *first,
                                           const int *position, i64 layer, int H, int KV) {
  const int t = blockIdx.x, p = position[t], per = HEAD_DIM / 8;
  bf16 *page = (bf16 *)pages[first[t] + p / PAGE] + layer + p % PAGE * HEAD_DIM;
  const bf16 *from = qkv + t * ld + H * HEAD_DIM;
  for (int i = threadIdx.x; i < 2 * KV * per; i += blockDim.x) {
    const int head = i / per, c = i % per * 8;
    *(uint4 *)(page + (i64)head * PAGE * HEAD_DIM + c) = *(const uint4 *)(from + head * HEAD_DIM + c);
  }
}

// The oldest position that one sees.
DEV int oldest_of(int position, int window) { return window > 0 ? max(0, position + 1 - window) : 0; }

// One part of a row's attention; blocks beyond a row's parts have nothing to do. The only part of a row is written to o
// (rows of H heads), several to part: [T][H][parts][RESULT], in their order. grid: (KV times the groups of HEADS query
// heads that read one key head, T, parts). threads: 128.
KERNEL void BOUNDS(128, 4)
    cached_attention(const bf16 *qkv, i64 ldq, const u64 *pages, const int *first, const int *position, i64 layer,
                     bf16 *o, i64 ldo, float *part, int H, int KV, int window, float scale) {
  __shared__ float results[WARPS][HEADS][LANES * 8 + 2];
  const int t = blockIdx.y, at = position[t], oldest = oldest_of(at, window);
  const int part0 = oldest / PART, parts = at / PART - part0 + 1;
  if ((int)blockIdx.z >= parts) return;
  const int group = H / KV, groups = (group + HEADS - 1) / HEADS, kv = blockIdx.x / groups;
  const int within = blockIdx.x % groups * HEADS, h0 = kv * group + within, heads = min(HEADS, group - within);
  const int begin = (part0 + blockIdx.z) * PART, k0 = max(oldest, begin), k1 = min(at + 1, begin + PART);
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, own = lane / LANES, c = lane % LANES * 8;
  const bool inside = c < HEAD_DIM;
  const uint4 zeros = make_uint4(0, 0, 0, 0);

  float q[HEADS][8], sum[HEADS][8], most[HEADS], total[HEADS];
#pragma unroll
  for (int h = 0; h < HEADS; h++) {
    uint4 packed = zeros;
    if (inside && h < heads) packed = *(const uint4 *)(qkv + t * ldq + (h0 + h) * HEAD_DIM + c);
    unpack8(q[h], packed);
    most[h] = LOWEST;
    total[h] = 0.f;
#pragma unroll
    for (int i = 0; i < 8; i++) {
      q[h][i] *= scale;
      sum[h][i] = 0.f;
    }
  }
  const i64 keys_at = layer + (i64)kv * PAGE * HEAD_DIM + c, values_at = keys_at + (i64)KV * PAGE * HEAD_DIM;
  for (int j0 = (k0 / STEP + warp) * STEP; j0 < k1; j0 += WARPS * STEP) {
    const bf16 *page = (const bf16 *)pages[first[t] + j0 / PAGE];
    uint4 k[TIMES], v[TIMES];
    float score[TIMES][HEADS];
#pragma unroll
    for (int u = 0; u < TIMES; u++) {
      const int j = j0 + u * KEYS + own;
      const bool seen = inside && j >= k0 && j < k1;
      k[u] = v[u] = zeros;
      if (seen) {
        k[u] = *(const uint4 *)(page + keys_at + j % PAGE * HEAD_DIM);
        v[u] = *(const uint4 *)(page + values_at + j % PAGE * HEAD_DIM);
      }
    }
#pragma unroll
    for (int u = 0; u < TIMES; u++) {
      const int j = j0 + u * KEYS + own;
      float f[8];
      unpack8(f, k[u]);
#pragma unroll
      for (int h = 0; h < HEADS; h++) {
        float s = 0.f;
#pragma unroll
        for (int i = 0; i < 8; i++) s += q[h][i] * f[i];
#pragma unroll
        for (int m = LANES / 2; m; m >>= 1) s += shfl_xor(s, m);
        score[u][h] = j >= k0 && j < k1 ? s : NEG_INF;
      }
    }
#pragma unroll
    for (int h = 0; h < HEADS; h++) {
      float high = most[h];
#pragma unroll
      for (int u = 0; u < TIMES; u++) high = fmaxf(high, score[u][h]);
      const float fade = ex2(most[h] - high);
      most[h] = high;
      total[h] *= fade;
#pragma unroll
      for (int i = 0; i < 8; i++) sum[h][i] *= fade;
    }
#pragma unroll
    for (int u = 0; u < TIMES; u++) {
      float f[8];
      unpack8(f, v[u]);
#pragma unroll
      for (int h = 0; h < HEADS; h++) {
        const float w = ex2(score[u][h] - most[h]);
        total[h] += w;
#pragma unroll
        for (int i = 0; i < 8; i++) sum[h][i] += w * f[i];
      }
    }
  }

  // Keys of the warp that different lanes took, then the warps.
#pragma unroll
  for (int h = 0; h < HEADS; h++) {
#pragma unroll
    for (int m = LANES; m < 32; m <<= 1) {
      const float high = fmaxf(most[h], shfl_xor(most[h], m)), fade = ex2(most[h] - high);
      most[h] = high;
      total[h] *= fade;
      total[h] += shfl_xor(total[h], m);
#pragma unroll
      for (int i = 0; i < 8; i++) {
        sum[h][i] *= fade;
        sum[h][i] += shfl_xor(sum[h][i], m);
      }
    }
    if (own == 0) {
      float *to = results[warp][h];
#pragma unroll
      for (int i = 0; i < 8; i++) to[c + i] = sum[h][i];
      if (c == 0) {
        to[LANES * 8] = most[h];
        to[LANES * 8 + 1] = total[h];
      }
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < heads * HEAD_DIM; i += blockDim.x) {
    const int h = i / HEAD_DIM, d = i % HEAD_DIM;
    float high = LOWEST, s = 0.f, w = 0.f;
#pragma unroll
    for (int n = 0; n < WARPS; n++) high = fmaxf(high, results[n][h][LANES * 8]);
#pragma unroll
    for (int n = 0; n < WARPS; n++) {
      const float fade = ex2(results[n][h][LANES * 8] - high);
      s += fade * results[n][h][d];
      w += fade * results[n][h][LANES * 8 + 1];
    }
    if (parts == 1) {
      o[t * ldo + (h0 + h) * HEAD_DIM + d] = f2bf(s / w);
      continue;
    }
    float *to = part + (((i64)t * H + h0 + h) * gridDim.z + blockIdx.z) * RESULT;
    to[d] = s;
    if (d == 0) {
      to[HEAD_DIM] = high;
      to[HEAD_DIM + 1] = w;
    }
  }
}

// Puts the parts of the rows that have several together; `stride`: the parts that there is room for. grid: (H, T).
// threads: 64.
KERNEL void BOUNDS(64, 16)
    join_parts(const float *part, const int *position, bf16 *o, i64 ldo, int stride, int window) {
  const int h = blockIdx.x, t = blockIdx.y, at = position[t];
  const int parts = at / PART - oldest_of(at, window) / PART + 1;
  if (parts == 1) return;
  const float *all = part + ((i64)t * gridDim.x + h) * stride * RESULT;
  float high = LOWEST;
  for (int n = 0; n < parts; n++) high = fmaxf(high, all[n * RESULT + HEAD_DIM]);
  for (int d = threadIdx.x; d < HEAD_DIM; d += blockDim.x) {
    float s = 0.f, w = 0.f;
    for (int n = 0; n < parts; n++) {
      const float fade = ex2(all[n * RESULT + HEAD_DIM] - high);
      s += fade * all[n * RESULT + d];
      w += fade * all[n * RESULT + HEAD_DIM + 1];
    }
    o[t * ldo + h * HEAD_DIM + d] = f2bf(s / w);
  }
}
