// Generation of one sequence: five kernels a layer, each of which reads its weights once at the memory's rate. The
// state, {token, position}, lies on the device, so that one captured graph serves every token.
#include "values.cuh"

// Two dot products of a warp: rows w0 and w1 (bf16, K values) with x, which lies in shared memory as two planes of
// float4 (values 0..3 and 4..7 of every eight: no bank conflicts).
DEV void dot2(const bf16 *w0, const bf16 *w1, const float4 *xs, int K, float &r0, float &r1) {
  const int lane = threadIdx.x & 31, n = K / 8;
  const float4 *xh = xs + n;
  float a = 0.f, b = 0.f;
#pragma unroll 4
  for (int c = lane; c < n; c += 32) {
    const uint4 p = __ldg((const uint4 *)w0 + c), q = __ldg((const uint4 *)w1 + c);
    const float4 l = xs[c], h = xh[c];
    a += lo2f(p.x) * l.x + hi2f(p.x) * l.y + lo2f(p.y) * l.z + hi2f(p.y) * l.w + lo2f(p.z) * h.x + hi2f(p.z) * h.y +
         lo2f(p.w) * h.z + hi2f(p.w) * h.w;
    b += lo2f(q.x) * l.x + hi2f(q.x) * l.y + lo2f(q.y) * l.z + hi2f(q.y) * l.w + lo2f(q.z) * h.x + hi2f(q.z) * h.y +
         lo2f(q.w) * h.z + hi2f(q.w) * h.w;
  }
  r0 = warp_sum(a);
  r1 = warp_sum(b);
}
// x into shared memory, times the RMSNorm of weight `norm` if there is one.
DEV void stage(float4 *xs, const float *x, const bf16 *norm, int K, float eps) {
  __shared__ float tmp[33];
  const int n = K / 8;
  float ss = 0.f;
  for (int c = threadIdx.x; c < n; c += blockDim.x) {
    const float4 a = *(const float4 *)(x + c * 8), b = *(const float4 *)(x + c * 8 + 4);
    xs[c] = a;
    xs[n + c] = b;
    ss += a.x * a.x + a.y * a.y + a.z * a.z + a.w * a.w + b.x * b.x + b.y * b.y + b.z * b.z + b.w * b.w;
  }
  if (norm) {
    const float r = rsqrtf(block_sum(ss, tmp) / K + eps);
    for (int c = threadIdx.x; c < n; c += blockDim.x) {
      float g[8];
      unpack8(g, *(const uint4 *)(norm + c * 8));
      float4 a = xs[c], b = xs[n + c];
      xs[c] = make_float4(a.x * r * g[0], a.y * r * g[1], a.z * r * g[2], a.w * r * g[3]);
      xs[n + c] = make_float4(b.x * r * g[4], b.y * r * g[5], b.z * r * g[6], b.w * r * g[7]);
    }
  }
  __syncthreads();
}
KERNEL void decode_embed(const int *state, const bf16 *table, float *x, int C) {
  const bf16 *row = table + (i64)state[0] * C;
  for (int c = blockIdx.x * blockDim.x + threadIdx.x; c < C; c += gridDim.x * blockDim.x) x[c] = bf2f(row[c]);
}
// y = W norm(x) (add 0) or y += W x (add 1); rows two at a time. Shared memory: K floats.
KERNEL void BOUNDS(256, 3)
    decode_gemv(const bf16 *w, i64 ld, const float *x, const bf16 *norm, float *y, int N, int K, float eps, int add) {
  DYN_SMEM(smem);
  float4 *xs = (float4 *)smem;
  stage(xs, x, norm, K, eps);
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  for (int r = (blockIdx.x * 8 + warp) * 2; r < N; r += gridDim.x * 16) {
    float a, b;
    dot2(w + r * ld, w + (r + 1) * ld, xs, K, a, b);
    if (lane == 0) {
      y[r] = add ? y[r] + a : a;
      y[r + 1] = add ? y[r + 1] + b : b;
    }
  }
}
// p = silu(gate x) * (up x): rows r and F + r.
KERNEL void BOUNDS(256, 3)
    decode_gate_up(const bf16 *w, i64 ld, const float *x, const bf16 *norm, float *p, int F, int K, float eps) {
  DYN_SMEM(smem);
  float4 *xs = (float4 *)smem;
  stage(xs, x, norm, K, eps);
  const int warp = threadIdx.x >> 5, lane = threadIdx.x & 31;
  for (int r = blockIdx.x * 8 + warp; r < F; r += gridDim.x * 8) {
    float a, b;
    dot2(w + r * ld, w + (F + r) * ld, xs, K, a, b);
    if (lane == 0) p[r] = a / (1.f + __expf(-a)) * b;
  }
}
// One token's attention. grid (HKV, splits), one warp per query head of the group; turns q and k, writes k and v to the
// cache [kv head][position][D] where this split owns the position; the last block of a kv head puts the parts together.
// part: [H][splits][D + 2]; counter: [HKV], zero between launches.
KERNEL void BOUNDS(256, 2)
    decode_attention(const int *state, const float *qkv, const float2 *table, bf16 *kc, bf16 *vc, float *part,
                     int *counter, float *o, int H, int HKV, int D, int max_pos, int per, int window) {
  __shared__ float qs[8][128];
  __shared__ int last;
  const int pos = state[1], hk = blockIdx.x, G = H / HKV, lane = threadIdx.x & 31, w = threadIdx.x >> 5, h = hk * G + w;
  const int splits = gridDim.y, lo = window > 0 ? max(0, pos + 1 - window) : 0;
  const int k0 = max(lo, (int)blockIdx.y * per), k1 = min(pos + 1, ((int)blockIdx.y + 1) * per);
  const int half = D / 2;
  bf16 *kb = kc + (i64)hk * max_pos * D, *vb = vc + (i64)hk * max_pos * D;
  for (int i = lane; i < half; i += 32) {
    float2 cs = table[(i64)pos * half + i];
    float a = qkv[h * D + i], b = qkv[h * D + half + i];
    qs[w][i] = a * cs.x - b * cs.y;
    qs[w][half + i] = b * cs.x + a * cs.y;
    if (w == 0 && pos >= k0 && pos < k1) {
      const float *k = qkv + (H + hk) * D, *v = qkv + (H + HKV + hk) * D;
      a = k[i];
      b = k[half + i];
      kb[(i64)pos * D + i] = f2bf(a * cs.x - b * cs.y);
      kb[(i64)pos * D + half + i] = f2bf(b * cs.x + a * cs.y);
      vb[(i64)pos * D + i] = f2bf(v[i]);
      vb[(i64)pos * D + half + i] = f2bf(v[half + i]);
    }
  }
  __syncthreads();
  // A lane holds e = D/32 dimensions (the last lanes fewer, where D is no multiple of 32).
  const int e = (D + 31) / 32, held = max(0, min(e, D - lane * e));
  float q[4], acc[4] = {0.f, 0.f, 0.f, 0.f}, m = NEG_INF, l = 0.f;
  const float sc = rsqrtf((float)D) * 1.44269504f;
  for (int i = 0; i < 4; i++) q[i] = i < held ? qs[w][lane * e + i] * sc : 0.f;
  for (int j0 = k0; j0 < k1; j0 += 4) {
    float s[4], v[4][4];
#pragma unroll
    for (int u = 0; u < 4; u++) {
      const int j = min(j0 + u, k1 - 1);
      const bf16 *k = kb + (i64)j * D + lane * e, *vv = vb + (i64)j * D + lane * e;
      s[u] = 0.f;
#pragma unroll
      for (int i = 0; i < 4; i++)
        if (i < held) {
          s[u] += q[i] * bf2f(k[i]);
          v[u][i] = bf2f(vv[i]);
        } else
          v[u][i] = 0.f;
    }
#pragma unroll
    for (int u = 0; u < 4; u++) {
      s[u] = warp_sum(s[u]);
      if (j0 + u >= k1) s[u] = NEG_INF;
    }
    float mm = fmaxf(fmaxf(fmaxf(s[0], s[1]), fmaxf(s[2], s[3])), m), f = ex2(m - mm);
    l *= f;
    for (int i = 0; i < 4; i++) acc[i] *= f;
#pragma unroll
    for (int u = 0; u < 4; u++) {
      float p = ex2(s[u] - mm);
      l += p;
      for (int i = 0; i < 4; i++) acc[i] += p * v[u][i];
    }
    m = mm;
  }
  float *pp = part + ((i64)h * splits + blockIdx.y) * (D + 2);
  for (int i = 0; i < held; i++) pp[lane * e + i] = acc[i];
  if (lane == 0) {
    pp[D] = m;
    pp[D + 1] = l;
  }
  __threadfence();
  __syncthreads();
  if (threadIdx.x == 0) last = atomicAdd(counter + hk, 1) == splits - 1;
  __syncthreads();
  if (!last) return;
  __threadfence();
  float M = NEG_INF, L = 0.f, r[4] = {0.f, 0.f, 0.f, 0.f};
  const volatile float *all = part + (i64)h * splits * (D + 2);
  for (int s = 0; s < splits; s++) M = fmaxf(M, all[s * (D + 2) + D]);
  for (int s = 0; s < splits; s++) {
    const float f = ex2(all[s * (D + 2) + D] - M);
    if (all[s * (D + 2) + D] == NEG_INF) continue;
    L += f * all[s * (D + 2) + D + 1];
    for (int i = 0; i < held; i++) r[i] += f * all[s * (D + 2) + lane * e + i];
  }
  for (int i = 0; i < held; i++) o[h * D + lane * e + i] = r[i] / L;
  if (threadIdx.x == 0) counter[hk] = 0;
}
// token = argmax(logits) unless the next one is forced; position + 1. One block of 1024.
KERNEL void BOUNDS(1024, 1) decode_pick(const float *logits, int *state, int *out, int V, int greedy) {
  __shared__ float bv[32];
  __shared__ int bi[32];
  float best = NEG_INF;
  int at = 0;
  for (int i = threadIdx.x; i < V; i += 1024)
    if (logits[i] > best) {
      best = logits[i];
      at = i;
    }
  for (int m = 16; m; m >>= 1) {
    float ov = shfl_xor(best, m);
    int oi = __float_as_int(shfl_xor(__int_as_float(at), m));
    if (ov > best || (ov == best && oi < at)) {
      best = ov;
      at = oi;
    }
  }
  if ((threadIdx.x & 31) == 0) {
    bv[threadIdx.x >> 5] = best;
    bi[threadIdx.x >> 5] = at;
  }
  __syncthreads();
  if (threadIdx.x == 0) {
    for (int i = 1; i < 32; i++)
      if (bv[i] > best || (bv[i] == best && bi[i] < at)) {
        best = bv[i];
        at = bi[i];
      }
    out[state[1]] = at;
    if (greedy) state[0] = at;
    state[1]++;
  }
}
