"""Simulations as files: a task and numbered shards, each whole or absent."""

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deepcohort.core.archives import DAMAGED_ARCHIVE
from deepcohort.core.errors import DeepcohortError
from deepcohort.core.outputs import atomic_outputs
from deepcohort.core.progress import track
from deepcohort.popgen.tasks import Task, task_facts, task_from_facts
from deepcohort.popgen.types import Loci, Locus, Rows, join_loci

SHARD_LOCI = 250
_TASK = "task.json"


@dataclass(frozen=True, slots=True)
class Simulations:
    """A folder of simulations: its task, seed, number of loci and shard files."""

    task: Task
    seed: int
    loci: int
    folder: Path

    def read(self) -> Loci:
        """All loci, in order."""
        return join_loci([read_shard(path, self.task) for path in shard_paths(self.folder, self.loci)])


def rows_of(task: Task) -> Rows:
    """Who the columns of a task's loci are."""
    counted = task.unlinked_snps > 0
    sizes = [1 if counted else g.haplotypes for g in task.groups]
    copies = [g.haplotypes if counted else 1 for g in task.groups]
    return Rows(
        np.repeat(np.arange(len(sizes)), sizes).astype(np.int16),
        tuple(g.name for g in task.groups),
        tuple(g.age_years for g in task.groups),
        np.repeat(copies, sizes).astype(np.int16),
    )


def shard_paths(folder: Path, loci: int) -> list[Path]:
    """Files of all shards."""
    return [folder / f"loci_{k:05d}.npz" for k in range(-(-loci // SHARD_LOCI))]


def seed_of(task: Task, seed: int, index: int) -> int:
    """Seed of locus `index`: depends on nothing else."""
    key = [seed, index, int.from_bytes(hashlib.blake2b(task.name.encode(), digest_size=4).digest(), "big")]
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0])


def simulate(
    task: Task,
    loci: int,
    output: str | Path,
    seed: int = 1,
    shard: tuple[int, int] = (1, 1),
    threads: int = 1,
    quiet: bool = False,
) -> Simulations:
    """Simulate `loci` loci of a task into `output`, scenarios in turn; whole shards are not made again.

    shard: (k, n), every n-th file of SHARD_LOCI loci, from the k-th on: n processes with one `output` make
    the same bytes as one.

    Raises:
        DeepcohortError: a folder that holds another task, or settings that cannot be simulated.
    """
    output = Path(output)
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeepcohortError(f"output folder {output} cannot be made: {error}") from error
    facts = {"format": 1, "task": task_facts(task), "seed": seed, "loci": loci}
    _settle_task(output / _TASK, facts)
    mine = [
        (k, path) for k, path in enumerate(shard_paths(output, loci)) if k % shard[1] == shard[0] - 1
    ]  # fmt: skip
    todo = [(task, seed, loci, k, path) for k, path in mine if not path.exists()]
    for _ in track(_run_all(todo, threads), len(todo), f"simulating {task.name}, shards", quiet):
        pass
    return Simulations(task, seed, loci, output)


def _settle_task(path: Path, facts: dict[str, Any]) -> None:
    text = json.dumps(facts, indent=1) + "\n"
    if path.exists():
        if path.read_text() != text:
            raise DeepcohortError(
                f"{path.parent} holds simulations of another task, seed or number of loci; name another "
                "--output"
            )
        return
    with atomic_outputs(path) as [temporary]:
        temporary.write_text(text)


def _run_all(todo: list[Any], threads: int) -> Iterator[None]:
    if threads <= 1 or len(todo) <= 1:
        for job in todo:
            _make_shard(job)
            yield
        return
    with ProcessPoolExecutor(min(threads, len(todo)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(_make_shard, todo)


def _make_shard(job: tuple[Task, int, int, int, Path]) -> None:
    task, seed, loci, k, path = job
    found = make_loci(task, seed, range(k * SHARD_LOCI, min((k + 1) * SHARD_LOCI, loci)))
    write_shard(path, found, task)


def make_loci(task: Task, seed: int, indices: range) -> Loci:
    """Loci `indices` of a task, in memory."""
    from deepcohort.popgen.scenarios import cold_stages, history_locus
    from deepcohort.popgen.selection import Histories, selected_locus

    histories = Histories(task) if task.kind == "selection" else None
    parts: list[Locus] = []
    labels, parameters, seeds = [], [], []
    for index in indices:
        label = index % len(task.scenarios)
        scenario, own = task.scenarios[label], seed_of(task, seed, index)
        if histories is not None:
            locus, values = selected_locus(task, histories, scenario, own)
        elif task.kind == "cold_stages":
            locus, values = cold_stages(task, scenario, own)
        else:
            locus, values = history_locus(task, scenario, own)
        parts.append(locus)
        labels.append(label)
        parameters.append(values)
        seeds.append(own)
    rows = rows_of(task)
    empty = np.empty((0, len(rows.group)), np.uint8)
    return Loci(
        np.concatenate([empty, *(p.alleles for p in parts)]),
        np.concatenate([np.empty(0, np.float32), *(p.positions.astype(np.float32) for p in parts)]),
        np.concatenate([[0], np.cumsum([len(p.positions) for p in parts])]).astype(np.int64),
        np.array(labels, np.int16),
        np.array(parameters, np.float32).reshape(len(parts), -1),
        np.array(seeds, np.uint64),
        rows,
    )


def write_shard(path: Path, loci: Loci, task: Task) -> None:
    """Write loci; haplotypes take a bit each."""
    packed: NDArray[np.uint8] = loci.alleles if task.unlinked_snps else np.packbits(loci.alleles, axis=1)
    arrays = {
        "alleles": packed,
        "positions": loci.positions if not task.unlinked_snps else np.empty(0, np.float32),
        "offsets": loci.offsets,
        "label": loci.label,
        "parameters": loci.parameters,
        "seed": loci.seed,
    }
    with atomic_outputs(path) as [temporary], open(temporary, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def read_shard(path: Path, task: Task) -> Loci:
    """Read one shard.

    Raises:
        DeepcohortError: missing or damaged.
    """
    if not path.exists():
        raise DeepcohortError(f"shard {path} is missing; run deepcohort popgen simulate again to complete it")
    rows = rows_of(task)
    try:
        with np.load(path, allow_pickle=False) as file:
            a = {name: file[name] for name in file.files}
        alleles = a["alleles"]
        if not task.unlinked_snps:
            alleles = np.unpackbits(alleles, axis=1, count=len(rows.group))
        offsets = a["offsets"]
        positions = a["positions"]
        if task.unlinked_snps:
            positions = np.concatenate([np.arange(n, dtype=np.float32) for n in np.diff(offsets)])
        if alleles.shape != (offsets[-1], len(rows.group)) or len(positions) != len(alleles):
            raise ValueError("arrays of different lengths")
        return Loci(alleles, positions, offsets, a["label"], a["parameters"], a["seed"], rows)
    except DAMAGED_ARCHIVE as error:
        raise DeepcohortError(f"shard {path} is damaged ({error}); remove it and simulate again") from error


def open_simulations(folder: str | Path) -> Simulations:
    """A folder that `simulate` made.

    Raises:
        DeepcohortError: no simulations there.
    """
    folder = Path(folder)
    path = folder / _TASK
    if not path.exists():
        raise DeepcohortError(f"{folder} holds no simulations; make them with: deepcohort popgen simulate")
    try:
        facts = json.loads(path.read_text())
        return Simulations(
            task_from_facts(facts["task"], path), int(facts["seed"]), int(facts["loci"]), folder
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DeepcohortError(f"{path} is damaged ({error}); simulate again") from error


def write_ms(simulations: Simulations, path: str | Path) -> None:
    """All loci as ms text: one block a locus, its scenario and seed on the // line.

    Of unlinked SNPs only counts are kept: haplotypes are drawn that have them.
    """
    task, loci = simulations.task, simulations.read()
    n = sum(g.haplotypes for g in task.groups)
    with atomic_outputs(path) as [temporary], open(temporary, "w") as file:
        file.write(f"ms {n} {len(loci)}\n{simulations.seed} 0 0\n")
        for index in range(len(loci)):
            locus = loci.locus(index)
            alleles = locus.alleles
            if task.unlinked_snps:
                alleles = spread_counts(alleles, loci.rows, np.random.default_rng(int(loci.seed[index])))
            file.write(
                f"\n// {task.labels[loci.label[index]]} {loci.seed[index]}\nsegsites: {len(alleles)}\n"
            )
            scale = max(task.locus_bp if not task.unlinked_snps else len(alleles), 1)
            file.write("positions: " + " ".join(f"{p / scale:.6f}" for p in locus.positions) + "\n")
            for row in alleles.T:
                file.write("".join("01"[int(v)] for v in row) + "\n")


def spread_counts(counts: NDArray[np.uint8], rows: Rows, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Haplotypes uint8 (S, n) at random that carry the counts (S, groups); unlinked SNPs have no phase."""
    parts = []
    for k, n in enumerate(rows.copies):
        order = rng.random((len(counts), int(n))).argsort(axis=1)
        parts.append((order < counts[:, k : k + 1]).astype(np.uint8))
    return np.concatenate(parts, axis=1)
