// Attention whose blocks are two warpgroups that both fetch and compute: with mma.sync products on any card, with wgmma
// on sm_90a. A source a head dimension; before it are defined: HEAD_DIM, USE_WGMMA (0 or 1), SHARED_PREFIXES (0 or 1),
// and the tiles: FORWARD_KEYS, DQ_KEYS, DKV_QUERIES. threads: 256.
#include "flash.cuh"

#if SHARED_PREFIXES
#define SIGHT const int *lo, const int *first, const int *end
#define SIGHT_OF(lo) {lo, first, end}
#else
#define SIGHT const int *lo
#define SIGHT_OF(lo) {lo}
#endif

// Shared memory: (128 + 4 FORWARD_KEYS) padded(D) bf16 and 1152 bytes.
KERNEL void BOUNDS(256, 1) attention_forward(const bf16 *qkv, bf16 *o, float *lse, SIGHT, AttnShape s) {
  attn_fwd<USE_WGMMA, HEAD_DIM, FORWARD_KEYS, SHARED_PREFIXES>(qkv, o, lse, SIGHT_OF(lo), s);
}
// Shared memory: (256 + 4 DQ_KEYS) padded(D) bf16.
KERNEL void BOUNDS(256, 1) attention_dq(const bf16 *qkv, const bf16 *dout, const float *lse, const float *delta, SIGHT,
                                        bf16 *dqkv, i64 ldd, AttnShape s, Rope r) {
  attn_dq<USE_WGMMA, HEAD_DIM, DQ_KEYS, SHARED_PREFIXES>(qkv, dout, lse, delta, SIGHT_OF(lo), dqkv, ldd, s, r);
}
// Shared memory: (256 + 4 DKV_QUERIES) padded(D) bf16 and 6 DKV_QUERIES floats.
KERNEL void BOUNDS(256, 1) attention_dkv(const bf16 *qkv, const bf16 *dout, const float *lse, const float *delta,
                                         const int *lo, const int *hi, bf16 *dqkv, i64 ldd, AttnShape s, Rope r) {
  attn_dkv<USE_WGMMA, HEAD_DIM, DKV_QUERIES, SHARED_PREFIXES>(qkv, dout, lse, delta, lo, hi, dqkv, ldd, s, r);
}
