// fake_driver.cpp — a stand-in for libcuda.so.1 that runs weft's kernels on the host: as much of the driver as the backend calls.
// Compiled together with fill_shim.cpp.
//
// Streams are lazy: what is put into one runs when something waits for it, as late as CUDA allows. A caller that looks at a result
// before it has waited, or lets two streams use one buffer without an event between them, sees stale bytes here and not only
// sometimes. Freed memory and memory not yet written hold a poison. Errors can be planted, what is not given back is counted, and the
// order of calls is noted where a test asks for it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

extern "C" std::function<void()>* weft_shim_bind(const char* name, unsigned grid, unsigned block, void** arguments);

namespace {

constexpr int INVALID_VALUE = 1, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_CONTEXT = 201, NOT_FOUND = 500, CAPTURE_UNSUPPORTED = 900,
              CAPTURE_INVALIDATED = 901, ILLEGAL_STATE = 401;

struct Graph {
  std::vector<std::function<void()>> operations;
};

struct Stream {
  std::deque<std::function<void()>> todo;
  Graph* captured = nullptr;  // what is put into it is recorded there
  bool invalid = false;       // a call in between was none that can be recorded
  long done = 0;  // operations run so far
  long given() const { return done + (long)todo.size(); }
};

struct Event {
  Stream* stream = nullptr;
  long after = 0;  // complete once so many operations of the stream have run
};

struct Function {
  std::string name;
};

struct Module {
  std::string image;
};

struct Block {
  size_t bytes;
  int device;
  bool foreign;   // belongs to another library
  void* context;  // that it was allocated in
};

constexpr size_t MAX_QUEUE = 1024;  // operations that wait in a stream: as with CUDA, one more waits until the first has run
constexpr int MAX_DEVICES = 16;

std::recursive_mutex lock;
std::set<Stream*> streams;
std::map<char*, Block> blocks;  // device memory
std::map<char*, size_t> pinned;
std::set<Event*> events;
std::set<Module*> modules;
std::set<Graph*> graphs;
int contexts = 0;
int devices = 1;
int driver_version = 12060;
int capability = 90;
size_t total = 1ull << 30;
size_t used = 0;
thread_local void* current = nullptr;
int context_objects[MAX_DEVICES];  // the primary one of each device
int other_context;                 // of another library
std::string failing;  // the call that fails
int fail_after = 0;   // after so many that do not
int fail_status = 0;
int dead = 0;  // the status that every call gives from a fatal one on
std::map<std::string, long> calls;
bool recording = false;
long recorded = 0;                              // calls since then
std::map<std::string, std::vector<long>> order;  // of each function's calls among all

bool is_fatal(int status) { return status >= 700 && status < 720; }

// What a call says before it does anything.
int enter(const char* call, bool needs_context = true) {
  calls[call]++;
  if (recording) {
    order[call].push_back(recorded++);
  }
  if (dead != 0) {
    return dead;
  }
  if (failing == call && fail_after-- <= 0) {
    if (is_fatal(fail_status)) {
      dead = fail_status;
    }
    return fail_status;
  }
  return needs_context && current == nullptr ? INVALID_CONTEXT : 0;
}

void run_until(Stream* stream, long count) {
  while (stream->done < count && !stream->todo.empty()) {
    std::function<void()> operation = std::move(stream->todo.front());
    stream->todo.pop_front();
    stream->done++;
    operation();
  }
}

void put(Stream* stream, std::function<void()> operation) {
  if (stream->captured != nullptr) {
    stream->captured->operations.push_back(std::move(operation));
    return;
  }
  if (stream->todo.size() >= MAX_QUEUE) {
    run_until(stream, stream->done + 1);
  }
  stream->todo.push_back(std::move(operation));
}

void run_all() {
  for (Stream* stream : streams) {
    run_until(stream, stream->given());
  }
}

// The block that an address lies in; null if in none.
const std::pair<char* const, Block>* block_of(const char* at) {
  auto block = blocks.upper_bound(const_cast<char*>(at));
  if (block == blocks.begin()) {
    return nullptr;
  }
  --block;
  return at < block->first + block->second.bytes ? &*block : nullptr;
}

bool on_device(const char* at, size_t count) {
  auto block = block_of(at);
  return block != nullptr && at + count <= block->first + block->second.bytes && block->second.context == current;
}

char* new_block(size_t bytes, int device, bool foreign, void* context) {
  char* address = (char*)std::aligned_alloc(512, (bytes + 511) / 512 * 512);
  std::memset(address, 0xA5, bytes);
  blocks[address] = {bytes, device, foreign, context};
  return address;
}

}  // namespace

#define CALL(name)                                        \
  std::lock_guard<std::recursive_mutex> guard(lock);      \
  if (int status = enter(name)) return status
#define CALL_WITHOUT_CONTEXT(name)                        \
  std::lock_guard<std::recursive_mutex> guard(lock);      \
  if (int status = enter(name, false)) return status

extern "C" {

// What tests set and ask.

long fake_reset() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  failing.clear();
  dead = 0;
  devices = 1;
  driver_version = 12060;
  capability = 90;
  total = 1ull << 30;
  calls.clear();
  recording = false;
  return 0;
}
long fake_record() {
  std::lock_guard<std::recursive_mutex> guard(lock);
  recording = true;
  recorded = 0;
  order.clear();
  return 0;
}
long fake_order(const char* call, long nth) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  const std::vector<long>& all = order[call];
  return nth < (long)all.size() ? all[(size_t)nth] : -1;
}
char* fake_allocate(long bytes, int device, int primary) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return new_block((size_t)bytes, device, true, primary ? &context_objects[device] : &other_context);
}
long fake_free(char* address) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  auto block = blocks.find(address);
  if (block == blocks.end()) {
    return INVALID_VALUE;
  }
  blocks.erase(block);
  std::free(address);
  return 0;
}
long fake_fail(const char* call, int after, int status) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  failing = call;
  fail_after = after;
  fail_status = status;
  return 0;
}
long fake_machine(int device_count, int version, int compute_capability, long bytes) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  devices = device_count;
  driver_version = version;
  capability = compute_capability;
  total = (size_t)bytes;
  return 0;
}
long fake_calls(const char* call) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return calls[call];
}
// What is not given back: bytes of device memory, or objects.
long fake_held(const char* what) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  std::string name = what;
  return name == "bytes" ? (long)used
         : name == "streams" ? (long)streams.size()
         : name == "events" ? (long)events.size()
         : name == "pinned" ? (long)pinned.size()
         : name == "modules" ? (long)modules.size()
         : name == "graphs"  ? (long)graphs.size()
                            : contexts;
}

// Whether so many bytes from here on are memory of the device that is allocated.
int fake_on_device(const char* at, size_t bytes) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return on_device(at, bytes);
}

// Whether what is put into a stream is recorded.
int fake_is_capturing(Stream* stream) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  return stream->captured != nullptr;
}

// The driver.

int cuStreamBeginCapture_v2(Stream* stream, int mode) {
  CALL("cuStreamBeginCapture");
  if (stream->captured != nullptr || mode != 2) {
    return ILLEGAL_STATE;  // the other modes forbid to allocate meanwhile
  }
  stream->captured = new Graph;
  stream->invalid = false;
  graphs.insert(stream->captured);
  return 0;
}
int cuStreamEndCapture(Stream* stream, Graph** graph) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  int status = enter("cuStreamEndCapture");
  *graph = nullptr;
  if (stream->captured == nullptr) {
    return ILLEGAL_STATE;
  }
  status = status == 0 && stream->invalid ? CAPTURE_INVALIDATED : status;
  if (status == 0) {
    *graph = stream->captured;
  } else {  // it ends all the same
    graphs.erase(stream->captured);
    delete stream->captured;
  }
  stream->captured = nullptr;
  return status;
}
int cuGraphInstantiateWithFlags(Graph** exec, Graph* graph, unsigned long long) {
  CALL("cuGraphInstantiate");
  if (graphs.count(graph) == 0) {
    return INVALID_VALUE;
  }
  *exec = new Graph(*graph);
  graphs.insert(*exec);
  return 0;
}
int cuGraphDestroy(Graph* graph) {
  CALL("cuGraphDestroy");
  if (graphs.erase(graph) == 0) {
    return INVALID_VALUE;
  }
  delete graph;
  return 0;
}
int cuGraphExecDestroy(Graph* exec) {
  CALL("cuGraphExecDestroy");
  if (graphs.erase(exec) == 0) {
    return INVALID_VALUE;
  }
  delete exec;  // streams hold copies of what they have still to do
  return 0;
}
int cuGraphLaunch(Graph* exec, Stream* stream) {
  CALL("cuGraphLaunch");
  if (graphs.count(exec) == 0) {
    return INVALID_VALUE;
  }
  for (const std::function<void()>& operation : exec->operations) {
    put(stream, operation);
  }
  return 0;
}
int cuInit(unsigned) {
  CALL_WITHOUT_CONTEXT("cuInit");
  return devices == 0 ? NO_DEVICE : 0;
}
int cuDriverGetVersion(int* version) {
  CALL_WITHOUT_CONTEXT("cuDriverGetVersion");
  *version = driver_version;
  return 0;
}
int cuDeviceGetCount(int* count) {
  CALL_WITHOUT_CONTEXT("cuDeviceGetCount");
  *count = devices;
  return 0;
}
int cuDeviceGet(int* device, int ordinal) {
  CALL_WITHOUT_CONTEXT("cuDeviceGet");
  *device = ordinal;
  return 0;
}
int cuDeviceGetName(char* name, int length, int device) {
  CALL_WITHOUT_CONTEXT("cuDeviceGetName");
  std::snprintf(name, (size_t)length, "Fake %d", device);
  return 0;
}
int cuDeviceTotalMem_v2(size_t* bytes, int) {
  CALL_WITHOUT_CONTEXT("cuDeviceTotalMem");
  *bytes = total;
  return 0;
}
int cuDeviceGetAttribute(int* value, int attribute, int) {
  CALL_WITHOUT_CONTEXT("cuDeviceGetAttribute");
  *value = attribute == 75 ? capability / 10 : attribute == 76 ? capability % 10 : attribute == 16 ? 4 : 0;
  return 0;
}
int cuDevicePrimaryCtxRetain(void** context, int device) {
  CALL_WITHOUT_CONTEXT("cuDevicePrimaryCtxRetain");
  contexts++;
  *context = &context_objects[device];
  return 0;
}
int cuDevicePrimaryCtxRelease_v2(int) {
  std::lock_guard<std::recursive_mutex> guard(lock);
  contexts--;
  if (contexts == 0 && dead != 0) {  // a lost context takes everything with it
    for (Stream* stream : streams) {
      delete stream;
    }
    streams.clear();
    for (auto block = blocks.begin(); block != blocks.end();) {
      bool foreign = block->second.foreign;
      if (!foreign) {
        std::free(block->first);
      }
      block = foreign ? std::next(block) : blocks.erase(block);
    }
    used = 0;
    events.clear();
    pinned.clear();
    for (Module* module : modules) {
      delete module;
    }
    modules.clear();
    for (Graph* graph : graphs) {
      delete graph;
    }
    graphs.clear();
  }
  return 0;
}
int cuCtxSetCurrent(void* context) {
  CALL_WITHOUT_CONTEXT("cuCtxSetCurrent");
  current = context;
  return 0;
}
int cuCtxGetCurrent(void** context) {
  CALL_WITHOUT_CONTEXT("cuCtxGetCurrent");
  *context = current;
  return 0;
}
int cuStreamCreate(Stream** stream, unsigned) {
  CALL("cuStreamCreate");
  *stream = new Stream;
  streams.insert(*stream);
  return 0;
}
int cuStreamDestroy_v2(Stream* stream) {
  CALL("cuStreamDestroy");
  run_until(stream, stream->given());
  streams.erase(stream);
  delete stream;
  return 0;
}
int cuStreamSynchronize(Stream* stream) {
  CALL("cuStreamSynchronize");
  if (stream->captured != nullptr) {
    stream->invalid = true;
    return CAPTURE_UNSUPPORTED;
  }
  run_until(stream, stream->given());
  return 0;
}
int cuLaunchHostFunc(Stream* stream, void (*function)(void*), void* data) {
  CALL("cuLaunchHostFunc");
  put(stream, [=] { function(data); });
  return 0;
}
int cuEventCreate(Event** event, unsigned) {
  CALL("cuEventCreate");
  *event = new Event;
  events.insert(*event);
  return 0;
}
int cuEventDestroy_v2(Event* event) {
  CALL("cuEventDestroy");
  events.erase(event);
  delete event;
  return 0;
}
int cuEventRecord(Event* event, Stream* stream) {
  CALL("cuEventRecord");
  event->stream = stream;
  event->after = stream->given();
  return 0;
}
int cuEventSynchronize(Event* event) {
  CALL("cuEventSynchronize");
  if (event->stream != nullptr) {
    run_until(event->stream, event->after);
  }
  return 0;
}
int cuStreamWaitEvent(Stream* stream, Event* event, unsigned) {
  CALL("cuStreamWaitEvent");
  Event now = *event;  // as it is recorded now
  put(stream, [now] {
    if (now.stream != nullptr) {
      run_until(now.stream, now.after);
    }
  });
  return 0;
}
int cuMemAlloc_v2(char** address, size_t bytes) {
  CALL("cuMemAlloc");
  if (bytes == 0) {
    return INVALID_VALUE;
  }
  if (bytes > total - used) {
    return OUT_OF_MEMORY;
  }
  *address = new_block(bytes, (int)((int*)current - context_objects), false, current);
  used += bytes;
  return 0;
}
int cuMemFree_v2(char* address) {
  CALL("cuMemFree");
  run_all();
  auto block = blocks.find(address);
  if (block == blocks.end() || block->second.foreign) {
    return INVALID_VALUE;
  }
  used -= block->second.bytes;
  blocks.erase(block);
  std::free(address);
  return 0;
}
int cuMemGetInfo_v2(size_t* free_bytes, size_t* all) {
  CALL("cuMemGetInfo");
  *free_bytes = total - used;
  *all = total;
  return 0;
}
int cuMemHostRegister_v2(char* address, size_t bytes, unsigned) {
  CALL("cuMemHostRegister");
  pinned[address] = bytes;
  return 0;
}
int cuMemHostUnregister(char* address) {
  CALL("cuMemHostUnregister");
  run_all();
  return pinned.erase(address) == 1 ? 0 : INVALID_VALUE;
}
int cuMemcpyDtoHAsync_v2(void* out, const char* in, size_t bytes, Stream* stream) {
  CALL("cuMemcpyDtoHAsync");
  if (!on_device(in, bytes)) {
    return INVALID_VALUE;
  }
  put(stream, [=] { std::memcpy(out, in, bytes); });
  return 0;
}
int cuMemcpyHtoDAsync_v2(char* out, const void* in, size_t bytes, Stream* stream) {
  CALL("cuMemcpyHtoDAsync");
  if (!on_device(out, bytes)) {
    return INVALID_VALUE;
  }
  auto block = pinned.upper_bound((char*)in);  // first after it
  if (block == pinned.begin() || (char*)in >= std::prev(block)->first + std::prev(block)->second) {
    std::string aside((const char*)in, bytes);  // pageable memory is read before the call returns
    put(stream, [=] { std::memcpy(out, aside.data(), bytes); });
    return 0;
  }
  put(stream, [=] { std::memcpy(out, in, bytes); });
  return 0;
}
int cuMemcpyDtoDAsync_v2(char* out, const char* in, size_t bytes, Stream* stream) {
  CALL("cuMemcpyDtoDAsync");
  if (!on_device(out, bytes) || !on_device(in, bytes)) {
    return INVALID_VALUE;
  }
  put(stream, [=] { std::memcpy(out, in, bytes); });
  return 0;
}
int cuMemsetD32Async(char* out, unsigned word, size_t words, Stream* stream) {
  CALL("cuMemsetD32Async");
  if (!on_device(out, 4 * words) || (size_t)out % 4 != 0) {
    return INVALID_VALUE;
  }
  put(stream, [=] {
    for (size_t i = 0; i < words; i++) {
      std::memcpy(out + 4 * i, &word, 4);
    }
  });
  return 0;
}
int cuPointerGetAttribute(void* out, int attribute, const char* address) {
  CALL("cuPointerGetAttribute");
  auto block = block_of(address);
  if (block == nullptr) {
    return INVALID_VALUE;
  }
  switch (attribute) {
    case 1:  // CONTEXT
      *(void**)out = block->second.context;
      return 0;
    case 2:  // MEMORY_TYPE
      *(int*)out = 2;
      return 0;
    case 9:  // DEVICE_ORDINAL
      *(int*)out = block->second.device;
      return 0;
    case 11:  // RANGE_START_ADDR
      *(char**)out = block->first;
      return 0;
    case 12:  // RANGE_SIZE
      *(size_t*)out = block->second.bytes;
      return 0;
    default:
      return INVALID_VALUE;
  }
}
int cuModuleLoadData(Module** module, const char* image) {
  CALL("cuModuleLoadData");
  if (std::strstr(image, ".version") == nullptr) {
    return INVALID_VALUE;
  }
  *module = new Module{image};
  modules.insert(*module);
  return 0;
}
int cuModuleUnload(Module* module) {
  CALL("cuModuleUnload");
  modules.erase(module);
  delete module;
  return 0;
}
int cuModuleGetFunction(Function** function, Module* module, const char* name) {
  CALL("cuModuleGetFunction");
  if (module->image.find(".entry " + std::string(name) + "(") == std::string::npos) {
    return NOT_FOUND;
  }
  static std::map<std::string, Function*> known;
  Function*& found = known[name];
  if (found == nullptr) {
    found = new Function{name};
  }
  *function = found;
  return 0;
}
int cuLaunchKernel(Function* function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned,
                   Stream* stream, void** parameters, void**) {
  CALL("cuLaunchKernel");
  if (gx == 0 || gy != 1 || gz != 1 || bx == 0 || bx > 256 || by != 1 || bz != 1) {
    return INVALID_VALUE;
  }
  calls[function->name]++;
  std::function<void()>* bound = weft_shim_bind(function->name.c_str(), gx, bx, parameters);
  if (bound == nullptr) {
    return NOT_FOUND;
  }
  std::shared_ptr<std::function<void()>> kernel(bound);  // with its arguments as they are now
  put(stream, [kernel] { (*kernel)(); });
  return 0;
}

}  // extern "C"
