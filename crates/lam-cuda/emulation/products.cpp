// Stands in for cuBLASLt, libcublasLt.so.12: products of bf16 with sums in f32, by columns as there. EMULATED_CANDIDATES
// (1) says how many algorithms it offers; they do the same, each a millisecond faster than the one before it.
#include "driver.h"
#include <algorithm>
#include <chrono>
#include <thread>

namespace {
enum { SUCCESS = 0, INVALID_VALUE = 7, EXECUTION_FAILED = 13, NOT_SUPPORTED = 15 };
enum { F32 = 0, BF16 = 14, COMPUTE_F32 = 68, TRANSPOSE_A = 3, TRANSPOSE_B = 4 };
constexpr u64 MAGIC = 0x6c616d2d63756461;

struct Description { int transpose_a = 0, transpose_b = 0; };
struct Layout { int type; u64 rows, columns; i64 stride; };
struct Candidate { u64 algorithm[8]; size_t workspace; int state; float waves; int reserved[4]; };

typedef float Wide __attribute__((vector_size(64)));
// A tile of the output: so many rows of two registers each.
constexpr size_t ROWS = 6, COLUMNS = 32;

float widened(bf16 value) {
  u32 bits = (u32)value << 16;
  float number;
  memcpy(&number, &bits, 4);
  return number;
}
bf16 narrowed(float number) {
  u32 bits;
  memcpy(&bits, &number, 4);
  return number != number ? 0x7fff : (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

size_t threads_for(size_t operations) { return operations < 1 << 22 ? 1 : std::min(2u, std::max(1u, std::thread::hardware_concurrency())); }

// `work(i)` for all i below `count`, on as many threads as pay.
template <class F> void each(size_t count, size_t threads, F work) {
  std::vector<std::thread> others;
  for (size_t first = 1; first < threads; first++)
    others.emplace_back([=] { for (size_t i = first; i < count; i += threads) work(i); });
  for (size_t i = 0; i < count; i += threads) work(i);
  for (auto &other : others) other.join();
}

struct Operands { const bf16 *a, *b; const void *c; void *d; float alpha, beta; };

struct Multiplication {
  size_t m, n, k; // By columns: D is m x n, one column `d_stride` after the other.
  bool transpose_a, transpose_b, wide;
  i64 a_stride, b_stride, c_stride, d_stride;

  // Panels of op(A), COLUMNS of its rows each, and of op(B), ROWS of its columns each: k after k, zeros beyond the edge.
  std::vector<float> pack_a(const bf16 *a) const {
    size_t panels = (m + COLUMNS - 1) / COLUMNS;
    std::vector<float> packed(panels * COLUMNS * k + 16);
    for (size_t l = 0; l < k; l++)
      for (size_t i = 0; i < m; i++)
        packed[(i / COLUMNS * k + l) * COLUMNS + i % COLUMNS] = widened(a[transpose_a ? i * a_stride + l : l * a_stride + i]);
    return packed;
  }
  std::vector<float> pack_b(const bf16 *b) const {
    size_t panels = (n + ROWS - 1) / ROWS;
    std::vector<float> packed(panels * ROWS * k);
    for (size_t j = 0; j < n; j++)
      for (size_t l = 0; l < k; l++)
        packed[(j / ROWS * k + l) * ROWS + j % ROWS] = widened(b[transpose_b ? l * b_stride + j : j * b_stride + l]);
    return packed;
  }
  void store(const Operands &operands, size_t i, size_t j, float sum) const {
    float value = operands.alpha * sum;
    size_t from = j * c_stride + i, to = j * d_stride + i;
    // What is not added may be NaN.
    if (operands.beta != 0) value += operands.beta * (wide ? ((const float *)operands.c)[from] : widened(((const bf16 *)operands.c)[from]));
    if (wide) ((float *)operands.d)[to] = value;
    else ((bf16 *)operands.d)[to] = narrowed(value);
  }
  void tile(const Operands &operands, const float *a, const float *b, size_t i0, size_t j0) const {
    Wide sums[ROWS][2] = {};
    for (size_t l = 0; l < k; l++) {
      Wide left[2];
      memcpy(left, a + l * COLUMNS, sizeof left);
      for (size_t j = 0; j < ROWS; j++) {
        sums[j][0] += left[0] * b[l * ROWS + j];
        sums[j][1] += left[1] * b[l * ROWS + j];
      }
    }
    for (size_t j = 0; j < ROWS && j0 + j < n; j++)
      for (size_t i = 0; i < COLUMNS && i0 + i < m; i++) store(operands, i0 + i, j0 + j, sums[j][i / 16][i % 16]);
  }
  void run(const Operands &operands) const {
    std::vector<float> a = pack_a(operands.a), b = pack_b(operands.b);
    size_t down = (m + COLUMNS - 1) / COLUMNS, across = (n + ROWS - 1) / ROWS;
    each(across, threads_for(m * n * k), [&, this](size_t panel) {
      for (size_t block = 0; block < down; block++)
        tile(operands, &a[block * COLUMNS * k], &b[panel * ROWS * k], block * COLUMNS, panel * ROWS);
    });
  }
};

bool holds(const Layout &layout, const void *address) {
  size_t element = layout.type == F32 ? 4 : 2;
  return emu::is_device_memory((u64)address, ((layout.columns - 1) * layout.stride + layout.rows) * element);
}
u64 candidate_count() { return std::max(1l, emu::setting("EMULATED_CANDIDATES", 1)); }
Candidate candidate(u64 index) {
  Candidate made = {};
  made.algorithm[0] = index;
  made.algorithm[1] = MAGIC;
  return made;
}
}

extern "C" {
size_t cublasLtGetVersion() { return 120804; }
const char *cublasLtGetStatusName(int code) {
  return code == INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE" : code == EXECUTION_FAILED ? "CUBLAS_STATUS_EXECUTION_FAILED" : "CUBLAS_STATUS_NOT_SUPPORTED";
}
int cublasLtCreate(void **session) { *session = malloc(1); return SUCCESS; }
int cublasLtDestroy(void *session) { free(session); return SUCCESS; }
int cublasLtMatmulDescCreate(void **description, int compute, int scale) {
  *description = new Description;
  return compute == COMPUTE_F32 && scale == F32 ? SUCCESS : NOT_SUPPORTED;
}
int cublasLtMatmulDescDestroy(void *description) { delete (Description *)description; return SUCCESS; }
int cublasLtMatmulDescSetAttribute(void *description, int attribute, const void *value, size_t) {
  if (attribute != TRANSPOSE_A && attribute != TRANSPOSE_B) return NOT_SUPPORTED;
  auto &own = *(Description *)description;
  (attribute == TRANSPOSE_A ? own.transpose_a : own.transpose_b) = *(const int *)value;
  return SUCCESS;
}
int cublasLtMatrixLayoutCreate(void **layout, int type, u64 rows, u64 columns, i64 stride) {
  if (!rows || !columns || stride < (i64)rows) return INVALID_VALUE;
  *layout = new Layout{type, rows, columns, stride};
  return SUCCESS;
}
int cublasLtMatrixLayoutDestroy(void *layout) { delete (Layout *)layout; return SUCCESS; }
int cublasLtMatmulPreferenceCreate(void **preference) { *preference = malloc(1); return SUCCESS; }
int cublasLtMatmulPreferenceDestroy(void *preference) { free(preference); return SUCCESS; }
int cublasLtMatmulPreferenceSetAttribute(void *, int, const void *, size_t) { return SUCCESS; }
int cublasLtMatmulAlgoGetHeuristic(void *, void *, void *, void *, void *, void *, void *, int most, Candidate *found, int *count) {
  *count = std::min<long>(most, candidate_count());
  for (int i = 0; i < *count; i++) found[i] = candidate(i);
  return SUCCESS;
}
int cublasLtMatmulAlgoCheck(void *, void *, void *, void *, void *, void *, const u64 *algorithm, Candidate *verdict) {
  *verdict = candidate(algorithm[0]);
  return algorithm[1] == MAGIC && algorithm[0] < candidate_count() ? SUCCESS : NOT_SUPPORTED;
}
int cublasLtMatmul(void *, void *description, const void *alpha, const void *a, void *a_layout, const void *b, void *b_layout,
                   const void *beta, const void *c, void *c_layout, void *d, void *d_layout, const u64 *algorithm, void *,
                   size_t, void *stream) {
  // Of a kernel that broke down before, this library knows nothing but that its own launch fails.
  if (emu::has_failed()) return EXECUTION_FAILED;
  auto &how = *(Description *)description;
  auto &la = *(Layout *)a_layout, &lb = *(Layout *)b_layout, &lc = *(Layout *)c_layout, &ld = *(Layout *)d_layout;
  Multiplication product = {ld.rows, ld.columns, how.transpose_a ? la.rows : la.columns, !!how.transpose_a, !!how.transpose_b,
                            ld.type == F32, la.stride, lb.stride, lc.stride, ld.stride};
  if (algorithm && algorithm[1] != MAGIC) return INVALID_VALUE;
  if ((how.transpose_a ? la.columns : la.rows) != product.m || (how.transpose_b ? lb.rows : lb.columns) != product.n ||
      (how.transpose_b ? lb.columns : lb.rows) != product.k) return INVALID_VALUE;
  if (!holds(la, a) || !holds(lb, b) || !holds(ld, d)) return INVALID_VALUE;
  Operands operands = {(const bf16 *)a, (const bf16 *)b, c, d, *(const float *)alpha, *(const float *)beta};
  u64 slower = algorithm ? candidate_count() - 1 - algorithm[0] : 0;
  return emu::submit(stream, [=] {
    std::this_thread::sleep_for(std::chrono::milliseconds(slower));
    product.run(operands);
  });
}
}
