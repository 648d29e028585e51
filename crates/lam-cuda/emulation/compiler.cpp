// Stands in for NVRTC, libnvrtc.so.12: compiles a source with c++ -DEMU into a library whose kernels driver.cpp runs. The
// kernels are those functions that are `extern "C"` and `__global__` after preprocessing, so macros may make them.
#include "driver.h"
#include <dlfcn.h>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

namespace {
enum { SUCCESS = 0, INVALID_INPUT = 3, COMPILATION = 6 };
const int ARCHITECTURES[] = {75, 80, 86, 87, 89, 90, 100, 120};

struct Program { std::string source, name, log, image; };

std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// Where this library lies, and its headers beside it.
std::string own_folder() {
  Dl_info info;
  dladdr((void *)own_folder, &info);
  char *path = realpath(info.dli_fname, nullptr);
  std::string file = path ? path : info.dli_fname;
  free(path);
  return file.substr(0, file.rfind('/'));
}

std::string quoted(const std::string &word) {
  std::string made = "'";
  for (char c : word) made += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return made + "'";
}

// Runs a command; its words go into the log.
bool runs(const std::string &command, std::string &log) {
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe) return false;
  char piece[4096];
  for (size_t length; (length = fread(piece, 1, sizeof piece, pipe)) > 0;) log.append(piece, length);
  int status = pclose(pipe);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

// Past spaces and the preprocessor's lines.
size_t skip(const std::string &text, size_t at) {
  while (at < text.size()) {
    if (isspace((unsigned char)text[at])) at++;
    else if (text[at] == '#') at = std::min(text.find('\n', at), text.size());
    else break;
  }
  return at;
}
std::string word(const std::string &text, size_t &at) {
  size_t begin = at = skip(text, at);
  while (at < text.size() && (isalnum((unsigned char)text[at]) || text[at] == '_')) at++;
  return text.substr(begin, at - begin);
}

std::set<std::string> kernels(const std::string &text) {
  const std::string mark = "__attribute__((used))";
  std::set<std::string> found;
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
    at += mark.size();
    size_t after = at;
    if (word(text, after) != "void") continue;
    std::string name = word(text, after);
    if (!name.empty() && text[skip(text, after)] == '(') found.insert(name);
  }
  return found;
}

std::string option_value(int count, const char *const *options, const std::string &begin) {
  for (int i = 0; i < count; i++)
    if (std::string(options[i]).rfind(begin, 0) == 0) return options[i] + begin.size();
  return "";
}

// Definitions are passed on; of the architecture, kernels see what they would see on a device.
std::string flags(int count, const char *const *options) {
  std::string made, architecture = option_value(count, options, "--gpu-architecture=sm_");
  if (!architecture.empty()) made += " -D__CUDA_ARCH__=" + std::to_string(atoi(architecture.c_str()) * 10);
  for (int i = 0; i < count; i++)
    if (std::string(options[i]).rfind("-D", 0) == 0) made += " " + quoted(options[i]);
  return made;
}

bool compile(Program &program, const std::string &work, const std::string &flags) {
  std::string own = own_folder(), source = work + "/" + program.name, text = work + "/kernels.ii", library = work + "/kernels.so";
  std::ofstream(source) << program.source;
  std::string preprocess = "c++ -std=c++17 -DEMU" + flags + " -w -E -include " + quoted(own + "/kernel.h") + " -x c++ ";
  if (!runs(preprocess + quoted(source) + " -o " + quoted(text), program.log)) return false;
  std::string preprocessed = contents(text), entries;
  for (auto &name : kernels(preprocessed))
    entries += "extern \"C\" __attribute__((visibility(\"default\"))) emu::Bound *emulated_" + name + "(void **arguments) { return emu::bind(" + name + ", arguments); }\n";
  std::ofstream(text, std::ios::app) << "\n" << entries;
  // Templates of one module are not those of another, even under the same name.
  std::string build = "c++ -std=c++17 -O2 " + contents(own + "/target") + " -w -fPIC -shared -fvisibility=hidden -fno-strict-aliasing ";
  build += "-x c++-cpp-output " + quoted(text) + " -x none " + quoted(own + "/libemulation.so") + " -o " + quoted(library);
  if (!runs(build, program.log)) return false;
  std::string binary = contents(library);
  u64 length = binary.size();
  program.image = "EMULATED" + std::string((const char *)&length, 8) + binary;
  return true;
}
}

extern "C" {
int nvrtcVersion(int *major, int *minor) { *major = 12; *minor = 8; return SUCCESS; }
const char *nvrtcGetErrorString(int code) { return code == COMPILATION ? "NVRTC_ERROR_COMPILATION" : "NVRTC_ERROR_INVALID_INPUT"; }
int nvrtcGetNumSupportedArchs(int *count) { *count = sizeof ARCHITECTURES / sizeof *ARCHITECTURES; return SUCCESS; }
int nvrtcGetSupportedArchs(int *architectures) { memcpy(architectures, ARCHITECTURES, sizeof ARCHITECTURES); return SUCCESS; }
int nvrtcCreateProgram(void **program, const char *source, const char *name, int headers, const char *const *, const char *const *) {
  if (headers) return INVALID_INPUT;
  *program = new Program{source, name};
  return SUCCESS;
}
int nvrtcDestroyProgram(void **program) { delete (Program *)*program; *program = nullptr; return SUCCESS; }
int nvrtcCompileProgram(void *handle, int count, const char *const *options) {
  const char *temporary = getenv("TMPDIR");
  std::string work = std::string(temporary && *temporary ? temporary : "/tmp") + "/emulation-XXXXXX", ignored;
  Program &program = *(Program *)handle;
  if (!mkdtemp(&work[0])) { program.log = "no temporary folder: " + work; return COMPILATION; }
  bool compiled = compile(program, work, flags(count, options));
  runs("rm -rf " + quoted(work), ignored);
  return compiled ? SUCCESS : COMPILATION;
}
int nvrtcGetProgramLogSize(void *program, size_t *size) { *size = ((Program *)program)->log.size() + 1; return SUCCESS; }
int nvrtcGetProgramLog(void *program, char *log) { strcpy(log, ((Program *)program)->log.c_str()); return SUCCESS; }
int nvrtcGetCUBINSize(void *program, size_t *size) { *size = ((Program *)program)->image.size(); return SUCCESS; }
int nvrtcGetCUBIN(void *program, char *image) { memcpy(image, ((Program *)program)->image.data(), ((Program *)program)->image.size()); return SUCCESS; }
}
