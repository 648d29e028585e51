// What the stand-ins share: settings from the environment, and work that is done at once or captured.
#pragma once
#include "machine.h"

namespace emu {
// A number of the environment, looked at when it is needed: tests change it.
inline long setting(const char *name, long otherwise) {
  const char *value = getenv(name);
  return value && *value ? atol(value) : otherwise;
}
// Does the work of a stream at once, or adds it to the graph that is being captured there; a result of the driver's.
int submit(void *stream, Bound work);
// Work that went wrong makes every later call fail with this, as on a device; the words are told with it, if there are any.
void fail(int code, const char *words);
// Whether some has.
bool has_failed();
// Whether memory of the device is there, all of it.
bool is_device_memory(u64 address, size_t bytes);
}
