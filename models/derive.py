#!/usr/bin/env python3
"""Writes the manifests in this directory from the published configurations of the models.

    python3 models/derive.py          # writes models/*.json
    python3 models/derive.py --check  # fails if a file differs from what would be written

Shapes follow from the few numbers of a configuration; names are those of the published checkpoints.
"""

import json
import math
import pathlib
import sys


def tensor(name, shape, init):
    return {"name": name, "shape": shape, "init": init}


def gpt2_124m():
    # huggingface.co/openai-community/gpt2, config.json; initialization: Radford et al. 2019, section 2.3:
    # normal 0.02, weights of residual layers divided by the root of their number (two a block).
    vocabulary, positions, width, layers = 50257, 1024, 768, 12
    normal = "normal:stddev=0.02"
    residual = f"normal:stddev={0.02 / math.sqrt(2 * layers)!r}"
    tensors = [
        tensor("wte.weight", [vocabulary, width], normal),
        tensor("wpe.weight", [positions, width], normal),
    ]

    def norm(name):
        return [tensor(f"{name}.weight", [width], "ones"), tensor(f"{name}.bias", [width], "zeros")]

    def dense(name, inputs, outputs, init):  # stored as (in, out)
        return [
            tensor(f"{name}.weight", [inputs, outputs], init),
            tensor(f"{name}.bias", [outputs], "zeros"),
        ]

    for i in range(layers):
        tensors += norm(f"h.{i}.ln_1")
        tensors += dense(f"h.{i}.attn.c_attn", width, 3 * width, normal)
        tensors += dense(f"h.{i}.attn.c_proj", width, width, residual)
        tensors += norm(f"h.{i}.ln_2")
        tensors += dense(f"h.{i}.mlp.c_fc", width, 4 * width, normal)
        tensors += dense(f"h.{i}.mlp.c_proj", 4 * width, width, residual)
    tensors += norm("ln_f")
    source = "huggingface.co/openai-community/gpt2 config.json; the output layer shares wte.weight"
    return {"name": "gpt2-124m", "source": source, "layout": "keras", "dtype": "f32", "tensors": tensors}


def llama_3_8b():
    # huggingface.co/meta-llama/Meta-Llama-3-8B, config.json: initializer_range 0.02, no biases.
    vocabulary, width, layers, heads, kv_heads, inner = 128256, 4096, 32, 32, 8, 14336
    kv_width = width // heads * kv_heads
    normal = "normal:stddev=0.02"
    tensors = [tensor("model.embed_tokens.weight", [vocabulary, width], normal)]
    for i in range(layers):
        prefix = f"model.layers.{i}"
        for name, outputs, inputs in [
            ("self_attn.q_proj", width, width),
            ("self_attn.k_proj", kv_width, width),
            ("self_attn.v_proj", kv_width, width),
            ("self_attn.o_proj", width, width),
            ("mlp.gate_proj", inner, width),
            ("mlp.up_proj", inner, width),
            ("mlp.down_proj", width, inner),
        ]:
            tensors.append(tensor(f"{prefix}.{name}.weight", [outputs, inputs], normal))
        for name in ("input_layernorm", "post_attention_layernorm"):
            tensors.append(tensor(f"{prefix}.{name}.weight", [width], "ones"))
    tensors.append(tensor("model.norm.weight", [width], "ones"))
    tensors.append(tensor("lm_head.weight", [vocabulary, width], normal))
    source = "huggingface.co/meta-llama/Meta-Llama-3-8B config.json"
    return {"name": "llama-3-8b", "source": source, "layout": "torch", "dtype": "bf16", "tensors": tensors}


def text(manifest):
    """One tensor a line."""
    head = {key: value for key, value in manifest.items() if key != "tensors"}
    lines = ",\n".join("    " + json.dumps(entry) for entry in manifest["tensors"])
    return json.dumps(head, indent=2)[:-2] + ',\n  "tensors": [\n' + lines + "\n  ]\n}\n"


def main():
    directory = pathlib.Path(__file__).parent
    for manifest in (gpt2_124m(), llama_3_8b()):
        file = directory / (manifest["name"] + ".json")
        if sys.argv[1:] == ["--check"]:
            if file.read_text() != text(manifest):
                sys.exit(f"{file} is not what derive.py writes")
        else:
            file.write_text(text(manifest))


main()
