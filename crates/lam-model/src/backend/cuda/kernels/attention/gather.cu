// Rows of queries, keys and values of texts that go on behind their pages, for the kernels over packed documents. Pages
// and rows are as in cached.cu, and PAGE is defined.
#include "../values.cuh"

// Row r gets the keys and values that are in pages at position[r], and the queries of row from[r] of qkv: zeros where
// that is negative, nothing but zeros where the position is. H query heads, KV key-value heads, D values each, a multiple
// of 8. grid: rows. threads: 128.
KERNEL void BOUNDS(128, 8)
    gather_texts(const bf16 *qkv, i64 ld, const u64 *pages, const int *first, const int *position, const int *from,
                 i64 layer, bf16 *to, i64 ldt, int H, int KV, int D) {
  const int r = blockIdx.x, p = position[r], source = from[r], per = D / 8;
  const bf16 *queries = qkv + (i64)source * ld;
  const bf16 *page = p < 0 ? (const bf16 *)0 : (const bf16 *)pages[first[r] + p / PAGE] + layer + p % PAGE * D;
  for (int i = threadIdx.x; i < (H + 2 * KV) * per; i += blockDim.x) {
    const int head = i / per, c = i % per * 8;
    uint4 v = make_uint4(0, 0, 0, 0);
    if (head >= H) {
      if (p >= 0) v = *(const uint4 *)(page + (i64)(head - H) * PAGE * D + c);
    } else if (source >= 0)
      v = *(const uint4 *)(queries + head * D + c);
    *(uint4 *)(to + r * ldt + head * D + c) = v;
  }
}
