/* A consumer and a producer of DLPack in C, after the public description of its structs. */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct { uint32_t major, minor; } DLPackVersion;
typedef struct { int32_t device_type, device_id; } DLDevice;
typedef struct { uint8_t code, bits; uint16_t lanes; } DLDataType;
typedef struct {
  void *data;
  DLDevice device;
  int32_t ndim;
  DLDataType dtype;
  int64_t *shape, *strides;
  uint64_t byte_offset;
} DLTensor;
typedef struct DLManagedTensor {
  DLTensor dl_tensor;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensor *);
} DLManagedTensor;
typedef struct DLManagedTensorVersioned {
  DLPackVersion version;
  void *manager_ctx;
  void (*deleter)(struct DLManagedTensorVersioned *);
  uint64_t flags;
  DLTensor dl_tensor;
} DLManagedTensorVersioned;

_Static_assert(sizeof(DLTensor) == 48, "DLTensor");
_Static_assert(sizeof(DLManagedTensor) == 64, "DLManagedTensor");
_Static_assert(sizeof(DLManagedTensorVersioned) == 80, "DLManagedTensorVersioned");

static const DLTensor *tensor(const void *managed, int versioned) {
  return versioned ? &((const DLManagedTensorVersioned *)managed)->dl_tensor
                   : &((const DLManagedTensor *)managed)->dl_tensor;
}

/* ---- consumer ---- */

/* The sum over all elements of a tensor of f32 on the CPU, found by its strides; each is negated. -1e300: not one. */
double peer_sum_and_negate(const void *managed, int versioned) {
  const DLTensor *t = tensor(managed, versioned);
  if (t->device.device_type != 1 || t->dtype.code != 2 || t->dtype.bits != 32 || t->dtype.lanes != 1) return -1e300;
  int64_t count = 1;
  for (int d = 0; d < t->ndim; d++) count *= t->shape[d];
  double sum = 0;
  for (int64_t i = 0; i < count; i++) {
    int64_t rest = i, at = t->strides ? 0 : i;
    for (int d = t->ndim - 1; d >= 0 && t->strides; d--) {
      at += rest % t->shape[d] * t->strides[d];
      rest /= t->shape[d];
    }
    float *x = (float *)((char *)t->data + t->byte_offset) + at;
    sum += *x;
    *x = -*x;
  }
  return sum;
}

static void *delete_legacy(void *managed) {
  ((DLManagedTensor *)managed)->deleter(managed);
  return 0;
}

static void *delete_versioned(void *managed) {
  ((DLManagedTensorVersioned *)managed)->deleter(managed);
  return 0;
}

/* Calls the deleter on a thread that knows nothing of Java. */
int peer_delete_on_a_thread(void *managed, int versioned) {
  pthread_t thread;
  if (pthread_create(&thread, 0, versioned ? delete_versioned : delete_legacy, managed)) return 1;
  return pthread_join(thread, 0);
}

/* ---- producer ---- */

static int deleted;

static void free_legacy(DLManagedTensor *managed) {
  deleted++;
  free(managed->manager_ctx);
  free(managed);
}

static void free_versioned(DLManagedTensorVersioned *managed) {
  deleted++;
  free(managed->manager_ctx);
  free(managed);
}

int peer_deleted(void) { return deleted; }

/*
 * A matrix of f32 [rows, columns] in memory of the producer, which starts `offset` bytes into it; element (i, j) is
 * 100 i + j. stride 0: no array of strides.
 */
void *peer_produce(int versioned, int64_t rows, int64_t columns, int64_t row_stride, int64_t column_stride,
                   uint64_t offset, uint64_t flags) {
  int64_t span = (rows - 1) * (row_stride ? row_stride : columns) + (columns - 1) * (row_stride ? column_stride : 1) + 1;
  char *memory = malloc(64 + offset + 4 * span);
  int64_t *dims = (int64_t *)memory;
  dims[0] = rows, dims[1] = columns, dims[2] = row_stride, dims[3] = column_stride;
  memset(memory + 64, 0x7f, offset + 4 * span);
  DLTensor t = {memory + 64, {1, 0}, 2, {2, 32, 1}, dims, row_stride ? dims + 2 : 0, offset};
  float *x = (float *)(memory + 64 + offset);
  for (int64_t i = 0; i < rows; i++)
    for (int64_t j = 0; j < columns; j++)
      x[i * (row_stride ? row_stride : columns) + j * (row_stride ? column_stride : 1)] = 100.0f * i + j;
  if (versioned) {
    DLManagedTensorVersioned *managed = malloc(sizeof *managed);
    *managed = (DLManagedTensorVersioned){{1, 1}, memory, free_versioned, flags, t};
    return managed;
  }
  DLManagedTensor *managed = malloc(sizeof *managed);
  *managed = (DLManagedTensor){t, memory, free_legacy};
  return managed;
}
