// Which keys a query sees. All of it is by row of the batch, and none of the rows' lists ever falls.
//
// Documents (SHARED = false): token t sees the keys lo[t] <= j <= t, key j is seen by the queries j <= t < hi[j].
// Documents and sliding windows both give that. Shared prefixes (SHARED = true): a token of a branch also sees the
// prefix, the keys first[t] <= j < end[t]; lo[t] is where its branch begins. Other tokens have first = end = lo. Key j
// is seen by the queries j <= t < hi[j] all the same: for a key of a prefix hi is the end of the last branch. That hi
// may fall.
#pragma once
#include "../values.cuh"

template <bool SHARED> struct Sight {
  const int *lo;
};
template <> struct Sight<true> {
  const int *lo, *first, *end;
};

// What one query sees.
template <bool SHARED> struct Seen {
  int lo;
  DEVM Seen(const Sight<false> &s, int row) : lo(s.lo[row]) {}
  DEVM bool hides(int key, int row) const { return key > row || key < lo; }
};
template <> struct Seen<true> {
  int lo, first, end;
  DEVM Seen(const Sight<true> &s, int row) : lo(s.lo[row]), first(s.first[row]), end(s.end[row]) {}
  DEVM bool hides(int key, int row) const { return key > row || (key < lo && (key < first || key >= end)); }
};

// By which queries one key is seen: of documents their lo says it, with shared prefixes the key's hi.
template <bool SHARED> struct Hi {
  DEVM Hi(const int *, int) {}
  DEVM bool hides(int key, int query, int lo) const { return key > query || key < lo; }
};
template <> struct Hi<true> {
  int hi;
  DEVM Hi(const int *hi_of, int key) : hi(hi_of[key]) {}
  DEVM bool hides(int key, int query, int) const { return key > query || query >= hi; }
};

// The key tiles that the queries m0..=last of a block see, in the order in which they are taken: down from the
// diagonal. Of a block that begins in a branch: to the branch's start, then the prefix.
template <bool SHARED, int BN> struct Walk {
  int hi, lo;
  DEVM Walk(const Sight<false> &s, int m0, int last) : hi(last / BN), lo(s.lo[m0] / BN) {}
  // The number of the last tile; the first is 0.
  DEVM int steps() const { return hi - lo; }
  // Whether there is a tile after n, which is number `it`, and which.
  DEVM bool more(int n, int it) const { return n > lo; }
  DEVM int next(int n, int it) const { return n - 1; }
};
template <int BN> struct Walk<true, BN> {
  int hi, lo, prefix_hi, prefix_lo; // the prefix's tiles: none if prefix_hi < prefix_lo
  int m0, free_first, free_end;
  DEVM Walk(const Sight<true> &s, int m0, int last)
      : hi(last / BN), lo(s.lo[m0] / BN), prefix_hi(min((s.end[m0] - 1) / BN, lo - 1)), prefix_lo(s.first[m0] / BN),
        m0(m0), free_first(s.first[last]), free_end(s.end[m0]) {
    if (s.first[m0] >= s.end[m0]) prefix_hi = prefix_lo - 1;
  }
  DEVM int steps() const { return hi - lo + prefix_hi - prefix_lo + 1; }
  DEVM bool more(int n, int it) const { return it < steps(); }
  DEVM int next(int n, int it) const { return at(it + 1); }
  DEVM int at(int it) const { return it <= hi - lo ? hi - it : prefix_hi - (it - (hi - lo + 1)); }
  // Whether every query of the block sees every key of the tile, where `lo_max` is the last query's lo.
  DEVM bool free(int n, int lo_max) const {
    const int n0 = n * BN;
    return n0 + BN - 1 <= m0 && (n0 >= lo_max || (n0 >= free_first && n0 + BN <= free_end));
  }
};

// The query tiles lo..=hi that see any of the keys n0..n0 + 127, and the one before which all of them see all keys.
template <bool SHARED, int BM> struct Queries {
  int lo, hi;
  DEVM Queries(const int *hi_of, int n0, int T) : lo(n0 / BM), hi((hi_of[min(n0 + 128, T) - 1] - 1) / BM) {}
  DEVM int late(const int *hi_of, int n0) const { return hi_of[n0] / BM; }
};
template <int BM> struct Queries<true, BM> {
  int lo, hi, least;
  DEVM Queries(const int *hi_of, int n0, int T) : lo(n0 / BM) {
    int most = 0;
    least = 0x7fffffff;
#pragma unroll
    for (int i = 0; i < 128; i += 32) {
      const int h = hi_of[min(n0 + i + (int)(threadIdx.x & 31), T - 1)];
      most = max(most, h);
      least = min(least, h);
    }
    hi = (warp_max_int(most) - 1) / BM;
    least = warp_min_int(least);
  }
  DEVM int late(const int *, int) const { return least / BM; }
};
