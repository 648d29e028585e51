// Stands in for the driver, libcuda.so.1: devices, memory, streams that do their work at once, graphs, modules that hold
// kernels compiled for the CPU. Its environment: EMULATED_DEVICES (1), EMULATED_CAPABILITY (90), EMULATED_MEMORY (8 GiB, in
// bytes), EMULATED_DRIVER (12080), EMULATED_MULTIPROCESSORS (4), EMULATED_FAIL=<kernel>:<n>, whose nth launch breaks down.
#include "driver.h"
#include <chrono>
#include <dlfcn.h>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <sys/mman.h>
#include <unistd.h>

namespace {
enum { SUCCESS = 0, INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_DEVICE = 101, INVALID_IMAGE = 200,
       NOT_FOUND = 500, ILLEGAL_ADDRESS = 700, NOT_SUPPORTED = 801, CAPTURE_UNSUPPORTED = 900, CAPTURE_INVALIDATED = 901 };
struct Failure { int code; const char *name, *text; };
const Failure FAILURES[] = {
    {INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {INVALID_IMAGE, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {NOT_FOUND, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
};

struct Module { void *library; int file; };
struct Function { emu::Bound *(*bind)(void **); std::string name; int dynamic_shared = 48 << 10; };
struct Graph { void *stream; std::vector<emu::Bound> work; bool broken = false; };
struct Event { std::chrono::steady_clock::time_point when; };

// One thing at a time: the machine has one block.
std::recursive_mutex lock;
int contexts, sticky;
std::map<u64, size_t> allocations;
size_t allocated;
std::map<std::string, long> launches;
std::unique_ptr<Graph> capturing;
// What the calls that fail for a kernel are told of it; kept where callers point to it.
std::string words;
// Memory of the processor that copies go to and from without the caller.
std::map<u64, size_t> pinned;
// Calls that wait for the device, or may.
unsigned long waits;

bool is_pinned(const void *memory, size_t bytes) {
  auto after = pinned.upper_bound((u64)memory);
  if (after == pinned.begin()) return false;
  auto &held = *std::prev(after);
  return (u64)memory + bytes <= held.first + held.second;
}

#define ENTER std::lock_guard<std::recursive_mutex> guard(lock); if (sticky) return sticky

size_t memory_bytes() { return emu::setting("EMULATED_MEMORY", 8l << 30); }
int capability() { return emu::setting("EMULATED_CAPABILITY", 90); }

// What a block may have, by generation.
int shared_memory_of_block() {
  switch (capability()) {
    case 80: case 87: return 166912;
    case 75: return 65536;
    case 86: case 89: case 120: case 121: return 101376;
    default: return 232448;
  }
}

// Memory full of NaN that costs nothing until it is used: one stretch of them, mapped again and again.
void *poisoned(size_t bytes) {
  constexpr size_t PIECE = 16 << 20;
  static int file = [] {
    int made = memfd_create("poison", 0);
    void *piece = ftruncate(made, PIECE) ? MAP_FAILED : mmap(0, PIECE, PROT_READ | PROT_WRITE, MAP_SHARED, made, 0);
    if (piece == MAP_FAILED) abort();
    memset(piece, 0xff, PIECE);
    munmap(piece, PIECE);
    return made;
  }();
  unsigned char *memory = (unsigned char *)mmap(0, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  for (size_t at = 0; at < bytes; at += PIECE)
    if (mmap(memory + at, std::min(PIECE, bytes - at), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, file, 0) == MAP_FAILED)
      return nullptr;
  return memory;
}

bool breaks_down(const std::string &kernel) {
  long count = ++launches[kernel];
  const char *rule = getenv("EMULATED_FAIL");
  const char *colon = rule ? strrchr(rule, ':') : nullptr;
  return colon && kernel == std::string(rule, colon) && count == atol(colon + 1);
}

bool fits(uint3_ grid, uint3_ threads, u32 shared, const Function &function) {
  u64 count = (u64)threads.x * threads.y * threads.z;
  return grid.x && grid.y && grid.z && grid.y <= 65535 && grid.z <= 65535 && grid.x <= 0x7fffffff && count &&
         count <= emu::MAX_THREADS && threads.z <= 64 && (int)shared <= function.dynamic_shared && shared <= 232448;
}
}

namespace emu {
int submit(void *stream, Bound work) {
  if (capturing && capturing->stream == stream) capturing->work.push_back(std::move(work));
  else work();
  return SUCCESS;
}
void fail(int code, const char *told) {
  if (sticky) return;
  sticky = code;
  words = told;
}
bool has_failed() { return sticky != 0; }
bool is_device_memory(u64 address, size_t bytes) {
  auto after = allocations.upper_bound(address);
  if (after == allocations.begin()) return false;
  auto &held = *std::prev(after);
  return address + bytes <= held.first + held.second;
}
}

extern "C" {
// Of ours: how many calls since the library was loaded waited for the device, or would on a card: for a stream, an event,
// a copy from or to memory that is not pinned, memory that is reserved or freed.
unsigned long emulatedWaits() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return waits;
}

int cuInit(unsigned) { return emu::setting("EMULATED_DEVICES", 1) > 0 ? SUCCESS : NO_DEVICE; }
int cuDriverGetVersion(int *version) { *version = emu::setting("EMULATED_DRIVER", 12080); return SUCCESS; }
int cuGetErrorName(int code, const char **name) {
  for (auto &failure : FAILURES) if (failure.code == code) { *name = failure.name; return SUCCESS; }
  *name = nullptr;
  return INVALID_VALUE;
}
int cuGetErrorString(int code, const char **text) {
  if (code == sticky && !words.empty()) { *text = words.c_str(); return SUCCESS; }
  for (auto &failure : FAILURES) if (failure.code == code) { *text = failure.text; return SUCCESS; }
  *text = nullptr;
  return INVALID_VALUE;
}

// Devices.
int cuDeviceGetCount(int *count) { *count = emu::setting("EMULATED_DEVICES", 1); return SUCCESS; }
int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return ordinal >= 0 && ordinal < emu::setting("EMULATED_DEVICES", 1) ? SUCCESS : INVALID_DEVICE;
}
int cuDeviceGetName(char *name, int length, int) { snprintf(name, length, "Emulated device"); return SUCCESS; }
int cuDeviceGetAttribute(int *value, int attribute, int) {
  switch (attribute) {
    case 16: *value = emu::setting("EMULATED_MULTIPROCESSORS", 4); return SUCCESS;
    case 75: *value = capability() / 10; return SUCCESS;
    case 76: *value = capability() % 10; return SUCCESS;
    case 97: *value = shared_memory_of_block(); return SUCCESS;
    default: return NOT_SUPPORTED;
  }
}
int cuDeviceTotalMem_v2(size_t *bytes, int) { *bytes = memory_bytes(); return SUCCESS; }

// Contexts. With the last one goes what went wrong.
int cuDevicePrimaryCtxRetain(void **context, int) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  contexts++;
  *context = &contexts;
  return SUCCESS;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  if (--contexts == 0) {
    for (auto &held : allocations) munmap((void *)held.first, held.second);
    allocations.clear();
    allocated = 0;
    launches.clear();
    capturing.reset();
    sticky = 0;
    words.clear();
  }
  return SUCCESS;
}
int cuCtxSetCurrent(void *) { return SUCCESS; }

// Memory.
int cuMemGetInfo_v2(size_t *free, size_t *total) {
  ENTER;
  *total = memory_bytes();
  *free = *total > allocated ? *total - allocated : 0;
  return SUCCESS;
}
int cuMemAlloc_v2(u64 *address, size_t bytes) {
  ENTER;
  waits++;
  if (!bytes) return INVALID_VALUE;
  if (bytes > memory_bytes() || allocated > memory_bytes() - bytes) return OUT_OF_MEMORY;
  void *memory = poisoned(bytes);
  if (!memory) return OUT_OF_MEMORY;
  *address = (u64)memory;
  allocations[*address] = bytes;
  allocated += bytes;
  return SUCCESS;
}
int cuMemFree_v2(u64 address) {
  ENTER;
  waits++;
  auto held = allocations.find(address);
  if (held == allocations.end()) return INVALID_VALUE;
  munmap((void *)address, held->second);
  allocated -= held->second;
  allocations.erase(held);
  return SUCCESS;
}
int cuMemAllocHost_v2(void **memory, size_t bytes) {
  ENTER;
  *memory = malloc(bytes);
  if (*memory) pinned[(u64)*memory] = bytes;
  return *memory ? SUCCESS : OUT_OF_MEMORY;
}
int cuMemFreeHost(void *memory) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  if (!pinned.erase((u64)memory)) return INVALID_VALUE;
  free(memory);
  return SUCCESS;
}
// A copy from or to memory that is not pinned: the driver waits for it, or may.
int cuMemcpyHtoDAsync_v2(u64 to, const void *from, size_t bytes, void *stream) {
  ENTER;
  if (!emu::is_device_memory(to, bytes)) return INVALID_VALUE;
  if (!is_pinned(from, bytes)) waits++;
  return emu::submit(stream, [=] { memcpy((void *)to, from, bytes); });
}
int cuMemcpyDtoHAsync_v2(void *to, u64 from, size_t bytes, void *stream) {
  ENTER;
  if (!emu::is_device_memory(from, bytes)) return INVALID_VALUE;
  if (!is_pinned(to, bytes)) waits++;
  return emu::submit(stream, [=] { memcpy(to, (void *)from, bytes); });
}
int cuMemcpyDtoDAsync_v2(u64 to, u64 from, size_t bytes, void *stream) {
  ENTER;
  if (!emu::is_device_memory(to, bytes) || !emu::is_device_memory(from, bytes)) return INVALID_VALUE;
  return emu::submit(stream, [=] { memmove((void *)to, (void *)from, bytes); });
}
int cuMemsetD8Async(u64 to, unsigned char byte, size_t bytes, void *stream) {
  ENTER;
  if (!emu::is_device_memory(to, bytes)) return INVALID_VALUE;
  return emu::submit(stream, [=] { memset((void *)to, byte, bytes); });
}

// Streams and graphs.
int cuStreamCreate(void **stream, unsigned) { *stream = malloc(1); return SUCCESS; }
int cuStreamDestroy_v2(void *stream) { free(stream); return SUCCESS; }
int cuStreamSynchronize(void *stream) {
  ENTER;
  waits++;
  if (!capturing || capturing->stream != stream) return SUCCESS;
  capturing->broken = true;
  return CAPTURE_UNSUPPORTED;
}
int cuStreamBeginCapture_v2(void *stream, int) {
  ENTER;
  if (capturing) return INVALID_VALUE;
  capturing.reset(new Graph{stream});
  return SUCCESS;
}
int cuStreamEndCapture(void *stream, void **graph) {
  ENTER;
  if (!capturing || capturing->stream != stream) return INVALID_VALUE;
  bool broken = capturing->broken;
  *graph = broken ? nullptr : capturing.release();
  capturing.reset();
  return broken ? CAPTURE_INVALIDATED : SUCCESS;
}
int cuGraphInstantiateWithFlags(void **executable, void *graph, unsigned long long) {
  ENTER;
  *executable = new Graph(*(Graph *)graph);
  return SUCCESS;
}
int cuGraphLaunch(void *executable, void *) {
  ENTER;
  for (auto &work : ((Graph *)executable)->work) work();
  return SUCCESS;
}
int cuGraphDestroy(void *graph) { delete (Graph *)graph; return SUCCESS; }
int cuGraphExecDestroy(void *executable) { delete (Graph *)executable; return SUCCESS; }

// Events.
int cuEventCreate(void **event, unsigned) { *event = new Event; return SUCCESS; }
int cuEventDestroy_v2(void *event) { delete (Event *)event; return SUCCESS; }
int cuEventRecord(void *event, void *) { ENTER; ((Event *)event)->when = std::chrono::steady_clock::now(); return SUCCESS; }
int cuEventSynchronize(void *) { ENTER; waits++; return SUCCESS; }
int cuEventElapsedTime(float *milliseconds, void *from, void *to) {
  ENTER;
  *milliseconds = std::chrono::duration<float, std::milli>(((Event *)to)->when - ((Event *)from)->when).count();
  return SUCCESS;
}

// Modules: what compiler.cpp made, "EMULATED", its length, a library.
int cuModuleLoadData(void **module, const void *image) {
  ENTER;
  if (memcmp(image, "EMULATED", 8)) return INVALID_IMAGE;
  u64 length;
  memcpy(&length, (const char *)image + 8, 8);
  int file = memfd_create("kernels", 0);
  bool written = file >= 0;
  for (u64 done = 0; written && done < length;) {
    ssize_t now = write(file, (const char *)image + 16 + done, length - done);
    written = now > 0;
    done += written ? now : 0;
  }
  std::string path = "/proc/self/fd/" + std::to_string(file);
  void *library = written ? dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL) : nullptr;
  if (!library) fprintf(stderr, "emulation: %s\n", written ? dlerror() : "a module cannot be written to memory");
  if (!library) {
    if (file >= 0) close(file);
    return INVALID_IMAGE;
  }
  // The file stays open: two libraries of one path are taken for one.
  *module = new Module{library, file};
  return SUCCESS;
}
int cuModuleUnload(void *module) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  dlclose(((Module *)module)->library);
  close(((Module *)module)->file);
  delete (Module *)module;
  return SUCCESS;
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
  ENTER;
  auto bind = (emu::Bound * (*)(void **)) dlsym(((Module *)module)->library, (std::string("emulated_") + name).c_str());
  if (!bind) return NOT_FOUND;
  // Kept as long as the process: modules of a device are few.
  *function = new Function{bind, name};
  return SUCCESS;
}
int cuFuncGetAttribute(int *value, int attribute, void *function) {
  *value = attribute == 8 ? ((Function *)function)->dynamic_shared : 0;
  return SUCCESS;
}
int cuFuncSetAttribute(void *function, int attribute, int value) {
  ENTER;
  if (attribute != 8 || value > shared_memory_of_block()) return INVALID_VALUE;
  ((Function *)function)->dynamic_shared = value;
  return SUCCESS;
}
int cuLaunchKernel(void *handle, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **arguments, void **) {
  ENTER;
  Function &function = *(Function *)handle;
  uint3_ grid = {gx, gy, gz}, threads = {bx, by, bz};
  if (!fits(grid, threads, shared, function)) return INVALID_VALUE;
  std::shared_ptr<emu::Bound> kernel(function.bind(arguments));
  std::string name = function.name;
  // As on a device, what goes wrong is told by the calls that follow.
  return emu::submit(stream, [=] {
    if (breaks_down(name)) return emu::fail(ILLEGAL_ADDRESS, "");
    int result = emu::run(name.c_str(), *kernel, grid, threads, shared);
    if (result) emu::fail(result, emu::mistake());
  });
}

// A map as kernel.h reads it: 2-D, bf16, boxes of 32 rows and 64 columns, 128-byte swizzle.
int cuTensorMapEncodeTiled(void *map, int type, unsigned rank, void *address, const u64 *sizes, const u64 *strides,
                           const u32 *box, const u32 *steps, int, int swizzle, int, int) {
  if (type != 9 || rank != 2 || box[0] != 64 || box[1] != 32 || steps[0] != 1 || steps[1] != 1 || swizzle != 3) return NOT_SUPPORTED;
  if ((uintptr_t)map % 64 || (u64)address % 16 || strides[0] % 16 || strides[0] < sizes[0] * 2) return INVALID_VALUE;
  u64 words[16] = {(u64)address, sizes[0], sizes[1], strides[0]};
  memcpy(map, words, sizeof words);
  return SUCCESS;
}
}
