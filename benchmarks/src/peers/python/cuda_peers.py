#!/usr/bin/env python3
"""PyTorch, CuPy and JAX on a CUDA device, as yardsticks of weft's GPU benchmarks.

    python3 cuda_peers.py [--quick] [--only REGEX] [--device K] [--out RESULTS.json]

Each case is warmed up, then timed by CUDA events around a batch of calls (JAX, which has none, by
the clock around a batch and one wait); the score is the median of several batches, the error half
the range of the middle half. All data are random: a GPU multiplies zeros faster. A library that
cannot be imported, or sees no device, is left out with its reason. The file has the form of JMH's
-rf json, so that what reads weft's results reads it too.

"bf16" is of data in bf16, results too; weft's precision bf16 rounds operands of f32 and gives f32.
"""

import argparse
import json
import os
import re
import statistics
import sys
import time

GIB = 1 << 30


class Report:
    """Cases, timed and printed one by one."""

    def __init__(self, only, quick):
        self.only = re.compile(only)
        self.rounds = 5 if quick else 11
        self.seconds = 0.05 if quick else 0.25  # of a round
        self.results = []

    def wanted(self, name):
        return self.only.search(name) is not None

    def measure(self, name, params, timer, call, work, unit):
        """Times ``call``, which does ``work`` units of work."""
        if not self.wanted(name):
            return
        label = name + " " + " ".join(f"{k}={v}" for k, v in params.items())
        try:
            for _ in range(3):
                call()
            once = max(timer(call, 3) / 3, 1e-7)
            count = max(1, min(20000, int(self.seconds / once)))
            timer(call, count)  # clocks and caches as they will be
            rates = [work * count / timer(call, count) for _ in range(self.rounds)]
        except Exception as e:  # out of memory, or a type that this device has not
            print(f"{label}: not measured: {type(e).__name__}: {str(e).splitlines()[0]}")
            return
        quarter = statistics.quantiles(rates, n=4)
        score = statistics.median(rates)
        error = (quarter[2] - quarter[0]) / 2
        print(f"{label}: {score:.4g} ± {error:.2g} {unit}", flush=True)
        self.results.append(
            {
                "benchmark": name,
                "mode": "thrpt",
                "params": {k: str(v) for k, v in params.items()},
                "primaryMetric": {
                    "score": score,
                    "scoreError": error,
                    "scoreUnit": unit,
                    "rawData": [rates],
                },
                "secondaryMetrics": {},
            }
        )


def skip(library, reason):
    print(f"{library}: left out: {reason}")


# ---------------------------------------------------------------------------------------- PyTorch


def torch_cases(report, device):
    try:
        import torch
    except ImportError as e:
        return skip("torch", e)
    if not torch.cuda.is_available():
        return skip("torch", f"PyTorch {torch.__version__} sees no CUDA device")
    torch.cuda.set_device(device)
    torch.manual_seed(42)
    print(
        f"torch {torch.__version__}, CUDA {torch.version.cuda}, "
        f"{torch.cuda.get_device_name(device)}"
    )
    start = torch.cuda.Event(enable_timing=True)
    end = torch.cuda.Event(enable_timing=True)

    def timer(call, count):
        torch.cuda.synchronize()
        start.record()
        for _ in range(count):
            call()
        end.record()
        end.synchronize()
        return start.elapsed_time(end) * 1e-3

    torch_memory(report, torch, timer)
    torch_gemm(report, torch, timer)
    torch_dense(report, torch, timer)
    torch_train(report, torch, timer)
    torch.cuda.empty_cache()  # for the others


def torch_types(torch):
    """Name, type of the data, and whether PyTorch may round f32 to TF32."""
    return [
        ("f32", torch.float32, False),
        ("tf32", torch.float32, True),
        ("bf16", torch.bfloat16, False),
    ]


def torch_memory(report, torch, timer):
    """Fills of 1 GiB, and a copy of it: GB/s of what is written, and of what is read and written."""
    for dtype, name in ((torch.float32, "f32"), (torch.bfloat16, "bf16")):
        size = torch.empty((), dtype=dtype).element_size()
        x = torch.empty(GIB // size // 4096, 4096, dtype=dtype, device="cuda")
        fills = {
            "constant": lambda: x.fill_(0.5),
            "uniform": x.uniform_,
            "normal": x.normal_,
            "truncated_normal": lambda: torch.nn.init.trunc_normal_(x),
        }
        for fill, call in fills.items():
            params = {"distribution": fill, "dtype": name, "size": "1GiB"}
            report.measure("torch.fill", params, timer, call, GIB * 1e-9, "GB/s")
    if report.wanted("torch.copy"):
        x = torch.randn(GIB // 4, device="cuda")
        y = torch.empty_like(x)
        params = {"dtype": "f32", "size": "1GiB"}
        report.measure("torch.copy", params, timer, lambda: y.copy_(x), 2 * GIB * 1e-9, "GB/s")


def torch_gemm(report, torch, timer):
    """C = A·B into a C that is there."""
    if not report.wanted("torch.gemm"):
        return
    for n in (1024, 4096, 8192):
        for name, dtype, tf32 in torch_types(torch):
            torch.backends.cuda.matmul.allow_tf32 = tf32
            a = torch.empty(n, n, dtype=dtype, device="cuda").uniform_(-1, 1)
            b = torch.empty(n, n, dtype=dtype, device="cuda").uniform_(-1, 1)
            c = torch.empty(n, n, dtype=dtype, device="cuda")
            params = {"mnk": f"{n}x{n}x{n}", "precision": name}
            call = lambda: torch.matmul(a, b, out=c)
            report.measure("torch.gemm", params, timer, call, 2.0 * n**3 * 1e-12, "TFLOP/s")
    torch.backends.cuda.matmul.allow_tf32 = False


def torch_dense(report, torch, timer):
    """y = relu(x·wᵀ + b), eager; backward by autograd, which adds to no gradient (they are set)."""
    if not (report.wanted("torch.dense_forward") or report.wanted("torch.dense_backward")):
        return
    from torch.nn import functional as F

    batch, inputs, outputs = 8192, 4096, 4096
    flop = 2.0 * batch * inputs * outputs * 1e-12
    for name, dtype, tf32 in torch_types(torch):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        params = {"bio": f"{batch}x{inputs}x{outputs}", "activation": "relu", "precision": name}

        def random(*shape, scale=1.0):
            return torch.empty(*shape, dtype=dtype, device="cuda").uniform_(-scale, scale)

        x = random(batch, inputs).requires_grad_()
        w = random(outputs, inputs, scale=(6.0 / (inputs + outputs)) ** 0.5).requires_grad_()
        b = random(outputs, scale=0.5).requires_grad_()
        dy = random(batch, outputs)

        def forward():
            with torch.no_grad():
                return F.relu(F.linear(x, w, b))

        report.measure("torch.dense_forward", params, timer, forward, flop, "TFLOP/s")
        y = F.relu(F.linear(x, w, b))

        def backward():
            return torch.autograd.grad(y, (x, w, b), dy, retain_graph=True)

        report.measure("torch.dense_backward", params, timer, backward, 2 * flop, "TFLOP/s")
    torch.backends.cuda.matmul.allow_tf32 = False


def torch_train(report, torch, timer):
    """A step of training, eager, labels and examples on the device; steps per second."""
    if not report.wanted("torch.train_step"):
        return
    from torch import nn

    batch = 128
    x = torch.rand(batch, 784, device="cuda")
    classes = torch.arange(batch, device="cuda") * 7 % 10
    host = torch.rand(batch, 784).pin_memory()
    for tf32 in (False, True):
        torch.backends.cuda.matmul.allow_tf32 = tf32
        for rule, kind in (("adam", torch.optim.Adam), ("sgd", torch.optim.SGD)):
            for how in ("single", "foreach", "fused"):
                model = nn.Sequential(
                    nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10)
                ).cuda()
                options = {"foreach": how == "foreach"}
                if how == "fused":
                    options["fused"] = True
                try:
                    optimizer = kind(model.parameters(), lr=1e-7, **options)
                except (TypeError, RuntimeError) as e:
                    print(f"torch.train_step optimizer={rule} how={how}: not measured: {e}")
                    continue
                loss_of = nn.CrossEntropyLoss()

                def step():
                    optimizer.zero_grad(set_to_none=True)
                    loss = loss_of(model(x), classes)
                    loss.backward()
                    optimizer.step()
                    return loss

                def end_to_end():
                    x.copy_(host)
                    return step().item()

                params = {
                    "layers": "784-512-512-10",
                    "batch": batch,
                    "optimizer": rule,
                    "update": how,
                    "precision": "tf32" if tf32 else "f32",
                }
                report.measure("torch.train_step", params, timer, step, 1, "ops/s")
                report.measure("torch.train_step_end_to_end", params, timer, end_to_end, 1, "ops/s")
    torch.backends.cuda.matmul.allow_tf32 = False


# ------------------------------------------------------------------------------------------- CuPy


def cupy_cases(report, device):
    if not report.wanted("cupy.fill") and not report.wanted("cupy.gemm"):
        return
    try:
        import cupy
    except ImportError as e:
        return skip("cupy", e)
    try:
        cupy.cuda.Device(device).use()
        generator = cupy.random.Generator(cupy.random.Philox4x3210(42))
    except Exception as e:  # no driver, no device, or another CUDA than it was built for
        return skip("cupy", f"{type(e).__name__}: {e}")
    print(f"cupy {cupy.__version__}")
    start, end = cupy.cuda.Event(), cupy.cuda.Event()

    def timer(call, count):
        cupy.cuda.get_current_stream().synchronize()
        start.record()
        for _ in range(count):
            call()
        end.record()
        end.synchronize()
        return cupy.cuda.get_elapsed_time(start, end) * 1e-3

    count = GIB // 4
    x = cupy.empty(count, dtype=cupy.float32)
    fills = {
        "uniform": lambda: generator.random(dtype=cupy.float32, out=x),
        "normal": lambda: generator.standard_normal(dtype=cupy.float32, out=x),
    }
    for fill, call in fills.items():
        params = {"distribution": fill, "dtype": "f32", "size": "1GiB"}
        report.measure("cupy.fill", params, timer, call, GIB * 1e-9, "GB/s")
    del x
    n = 8192
    a = generator.random((n, n), dtype=cupy.float32)
    b = generator.random((n, n), dtype=cupy.float32)
    c = cupy.empty((n, n), dtype=cupy.float32)
    params = {"mnk": f"{n}x{n}x{n}", "precision": "f32"}
    call = lambda: cupy.matmul(a, b, out=c)
    report.measure("cupy.gemm", params, timer, call, 2.0 * n**3 * 1e-12, "TFLOP/s")


# -------------------------------------------------------------------------------------------- JAX


def jax_cases(report, device):
    if not report.wanted("jax.fill") and not report.wanted("jax.gemm"):
        return
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    try:
        import jax
    except ImportError as e:
        return skip("jax", e)
    try:
        gpus = jax.devices("cuda")
    except RuntimeError as e:
        return skip("jax", str(e).splitlines()[0])
    print(f"jax {jax.__version__}")
    jax.config.update("jax_default_device", gpus[device])
    from jax import numpy as jnp

    def timer(call, count):
        start = time.perf_counter()
        for _ in range(count):
            last = call()
        last.block_until_ready()
        return time.perf_counter() - start

    key = jax.random.key(42)
    shape = (GIB // 4,)
    fills = {
        "uniform": jax.jit(lambda k: jax.random.uniform(k, shape)),
        "normal": jax.jit(lambda k: jax.random.normal(k, shape)),
        "truncated_normal": jax.jit(lambda k: jax.random.truncated_normal(k, -2, 2, shape)),
    }
    for fill, made in fills.items():
        params = {"distribution": fill, "dtype": "f32", "size": "1GiB"}
        report.measure("jax.fill", params, timer, lambda: made(key), GIB * 1e-9, "GB/s")
    n = 8192
    for name, dtype, precision in (
        ("f32", jnp.float32, "highest"),
        ("tf32", jnp.float32, "tensorfloat32"),
        ("bf16", jnp.bfloat16, "default"),
    ):
        ka, kb = jax.random.split(key)
        a = jax.random.uniform(ka, (n, n), dtype, -1, 1)
        b = jax.random.uniform(kb, (n, n), dtype, -1, 1)
        multiply = jax.jit(lambda x, y: jnp.matmul(x, y, precision=precision))
        params = {"mnk": f"{n}x{n}x{n}", "precision": name}
        report.measure(
            "jax.gemm", params, timer, lambda: multiply(a, b), 2.0 * n**3 * 1e-12, "TFLOP/s"
        )


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="shorter rounds: below a minute in all")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases, for example torch.gemm")
    parser.add_argument("--device", type=int, default=0, metavar="K", help="the CUDA device")
    parser.add_argument("--out", metavar="FILE", help="results in JMH's JSON")
    asked = parser.parse_args(arguments)
    report = Report(asked.only, asked.quick)
    for library, cases in (("torch", torch_cases), ("cupy", cupy_cases), ("jax", jax_cases)):
        try:
            cases(report, asked.device)
        except Exception as e:  # one library's trouble is not the others'
            skip(library, f"{type(e).__name__}: {e}")
    if asked.out:
        with open(asked.out, "w", encoding="utf-8") as file:
            json.dump(report.results, file, indent=2)
            file.write("\n")
    return 0 if report.results else 3


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
