"""Reads laid on a reference by any aligner."""

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from accuracy import quoted, run

READ_GROUP = r"@RG\tID:a\tSM:HG002\tPL:ILLUMINA"
_ADD_GROUP = f"samtools addreplacerg -r '{READ_GROUP}' -m overwrite_all -u -"  # for those that write none


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of this file: what two rows or two processes need is made by one of them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def aligner_index(aligner: str, reference: Path) -> None:
    """Build the index that the aligner needs beside `reference`, once."""
    ref, folder, name = quoted(reference), quoted(reference.parent), reference.name
    family = aligner.split("-")[0]
    commands = {
        "bwa": (f"{reference}.sa", f"bwa index {ref}"),
        "bowtie2": (f"{reference}.1.bt2", f"bowtie2-build -q {ref} {ref}"),
        "hisat2": (f"{reference}.1.ht2", f"hisat2-build -q {ref} {ref}"),
        "snap": (f"{reference}.snap/Genome", f"snap-aligner index {ref} {ref}.snap -t1"),
        "gsnap": (f"{reference}.gsnap/{name}.gsnap.version", f"gmap_build -D {folder} -d {quoted(f'{name}.gsnap')} {ref}"),
        "segemehl": (f"{reference}.segemehl", f"segemehl -x {ref}.segemehl -d {ref}"),
        "smalt": (f"{reference}.smalt.smi", f"smalt index -k 13 -s 6 {ref}.smalt {ref}"),
        "star": (
            f"{reference}.star/SAindex",
            f"STAR --runMode genomeGenerate --genomeSAindexNbases 8 --genomeDir {ref}.star --genomeFastaFiles {ref}"
            f" --outFileNamePrefix {ref}.star.",
        ),
        "subread": (f"{reference}.subread.files", f"subread-buildindex -o {ref}.subread {ref}"),
    }  # fmt: skip
    if family in commands and not Path(commands[family][0]).exists():
        run(commands[family][1])


def align(aligner: str, reference: Path, reads: list[Path], bam: Path, folder: Path) -> None:
    """Sorted, indexed BAM of one or two files of reads (FASTQ; .fq of FASTA where there are no qualities)."""
    with locked(reference.with_name(f".{reference.name}.{aligner.split('-')[0]}.lock")):
        aligner_index(aligner, reference)
    ref, files = quoted(reference), " ".join(map(quoted, reads))
    paired = len(reads) == 2
    fasta = reads[0].read_bytes()[:1] == b">"
    short = "-f" if fasta else ""
    pair = f"{short} -1 {quoted(reads[0])} -2 {quoted(reads[1])}" if paired else f"{short} -U {files}"
    group = "--rg-id a --rg SM:HG002 --rg PL:ILLUMINA"
    sais = [folder / f"{path.stem}.sai" for path in reads]
    commands = {
        "bwa-mem": f"bwa mem -t 1 -R '{READ_GROUP}' {ref} {files}",
        "bwa-aln": f"bwa {'sampe' if paired else 'samse'} -r '{READ_GROUP}' {ref} {' '.join(map(quoted, sais))} {files}",
        "bowtie2": f"bowtie2 {group} -x {ref} {pair}",
        "bowtie2-local": f"bowtie2 --local {group} -x {ref} {pair}",
        "minimap2": f"minimap2 -t 1 -ax sr -R '{READ_GROUP}' {ref} {files}",
        "hisat2": f"hisat2 --no-spliced-alignment {group} -x {ref} {pair}",
        "hisat2-spliced": f"hisat2 {group} -x {ref} {pair}",
        "snap": f"snap-aligner {'paired' if paired else 'single'} {ref}.snap {files} -t 1 -R '{READ_GROUP}' -o -sam -",
        **_others(reference, reads, folder),
    }
    if aligner == "bwa-aln":
        for path, sai in zip(reads, sais, strict=True):
            run(f"bwa aln -t 1 {ref} {quoted(path)} > {quoted(sai)}")
    run(
        f"{commands[aligner]} 2> {quoted(folder / 'align.log')} | samtools sort -o {quoted(bam)} -; samtools index {quoted(bam)}"
    )
    for sai in sais:
        sai.unlink(missing_ok=True)


def _others(reference: Path, reads: list[Path], folder: Path) -> dict[str, str]:
    """Commands of aligners of other kinds, made for RNA, for long gaps or for counting edits; defaults, but
    that STAR is told that nothing is spliced, and BBMap to write no index."""
    ref, files, made = quoted(reference), " ".join(map(quoted, reads)), quoted(folder / "aligner")
    first, second = quoted(reads[0]), quoted(reads[-1]) if len(reads) == 2 else ""
    index = f"-D {quoted(reference.parent)} -d {quoted(f'{reference.name}.gsnap')}"
    commands = {
        "bbmap": f"bbmap.sh -Xmx4g ref={ref} nodisk in={first} {f'in2={second}' if second else ''} out=stdout.sam threads=1",
        "gsnap": f"gsnap {index} -A sam -t 1 {files}",
        "segemehl": f"segemehl -i {ref}.segemehl -d {ref} -q {first} {f'-p {second}' if second else ''} -t 1",
        "smalt": f"smalt map -f sam {ref}.smalt {files}",
        "star": f"STAR --genomeDir {ref}.star --readFilesIn {files} --alignIntronMax 1 --outStd SAM --outFileNamePrefix {made}.",
        "subread": f"{{ subread-align -t 1 -T 1 -i {ref}.subread -r {first} {f'-R {second}' if second else ''}"
        f" --SAMoutput -o {made}.sam > /dev/null; cat {made}.sam; rm {made}.sam*; }}",
    }
    log = quoted(folder / "align.log")
    return {name: f"{command} 2>> {log} | {_ADD_GROUP}" for name, command in commands.items()}
