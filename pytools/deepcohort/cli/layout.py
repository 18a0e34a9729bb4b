"""What the command line looks like: panels, short options, old names, examples. Plain data."""
# ruff: noqa: E501 - an example is one line

# panel -> commands, in the order of `deepcohort --help`; a command that is in none comes last, under "Other"
PANELS = {
    "Calling": ("call", "haplotag", "filter", "show", "why"),
    "Cohort": ("genotype", "phase", "stats", "annotate", "export", "store"),
    "Evaluation": ("evaluate", "report"),
    "Training": ("simulate", "profile", "examples", "train", "tune"),
    "Population genetics": ("popgen",),
    "Before a run": ("check", "fingerprint", "plan", "align", "index", "paralogs", "warm"),
    "Pipeline steps": ("shard", "intersect", "merge", "summary", "provenance"),
}

# parameter -> short option, in every command that has the parameter
SHORT = {
    "reads": "-I",
    "reference": "-R",
    "output": "-o",
    "region": "-r",
    "sample": "-s",
    "threads": "-t",
    "quiet": "-q",
}
# where the parameter of that letter has another name: (command, parameter) -> short option
SHORT_HERE = {
    ("call", "gvcf"): "-o",
    ("genotype", "gvcf"): "-V",
    ("evaluate", "vcf"): "-V",
    ("filter", "vcf"): "-V",
    ("stats", "vcf"): "-V",
    ("annotate", "vcf"): "-V",
    ("export", "vcf"): "-V",
    ("phase", "vcf"): "-V",
    ("haplotag", "vcf"): "-V",
    ("show", "vcf"): "-V",
    ("popgen scan", "vcf"): "-V",
}

# names of before, still taken: command -> old option -> the one to use
OLD_NAMES = {
    "evaluate": {"--calls": "--vcf", "--ped": "--pedigree", "--no-quiet": ""},
    "check": {"--base": "--base-dir"},
    "genotype": {"--sex": "--sexes"},
    "simulate": {"--no-quiet": ""},
    "examples": {"--no-quiet": ""},
    "train": {"--no-quiet": ""},
    "tune": {"--no-quiet": ""},
}

# command -> what to type, and what it is for
EXAMPLES: dict[str, tuple[tuple[str, str], ...]] = {
    "check": (
        ("All problems of a samplesheet, by row", "check --samplesheet cohort.csv -R GRCh38.fa"),
        (
            "And whose reads they are, by known SNPs",
            "check --samplesheet cohort.csv -R GRCh38.fa --fingerprints snps.vcf.gz",
        ),
    ),
    "fingerprint sample": (
        ("", "fingerprint sample -I a.bam -R GRCh38.fa --sites snps.vcf.gz -s A -o a.fingerprint.json"),
    ),
    "fingerprint compare": (
        (
            "With kin and sexes as stated",
            "fingerprint compare --fingerprint fingerprints -R GRCh38.fa --sites snps.vcf.gz --pedigree fam.ped -o compared",
        ),
    ),
    "index": (("", "index -R GRCh38.fa"),),
    "paralogs": (("Once per reference; `call` finds the table by itself", "paralogs -R GRCh38.fa"),),
    "plan": (
        (
            "After `check -o` and `shard`",
            "plan --samples samples.json --shards shards.bed -R GRCh38.fa --place slurm",
        ),
    ),
    "shard": (("Regions of 50 Mb", "shard -R GRCh38.fa --shard-bp 50000000 -o shards.bed"),),
    "intersect": (("", "intersect --bed targets.bed --within shard.bed -o part.bed"),),
    "call": (
        (
            "A gVCF for joint genotyping, and a VCF",
            "call -I child.bam -R GRCh38.fa -o child.g.vcf.gz --vcf child.vcf.gz",
        ),
        ("One region, eight processes", "call -I child.bam -R GRCh38.fa -r chr20 -t 8 --vcf chr20.vcf.gz"),
        (
            "An exome; a man",
            "call -I child.bam -R GRCh38.fa --regions targets.bed --sex XY -o child.g.vcf.gz",
        ),
        ("Nanopore", "call -I child.bam -R GRCh38.fa --platform ont -o child.g.vcf.gz"),
    ),
    "merge": (("Shards of one sample", "merge --input 1.g.vcf.gz --input 2.g.vcf.gz -o child.g.vcf.gz"),),
    "genotype": (
        ("", "genotype -V a.g.vcf.gz -V b.g.vcf.gz -R GRCh38.fa -o cohort.vcf.gz"),
        (
            "A family; keep what was read",
            "genotype --gvcf-list gvcfs.txt -R GRCh38.fa --pedigree fam.ped -o cohort.vcf.gz --save-cohort store",
        ),
        ("Later, one sample more", "genotype -V new.g.vcf.gz --cohort store -R GRCh38.fa -o larger.vcf.gz"),
    ),
    "store": (("Who is in a stored cohort", "store --cohort results/cohort/store"),),
    "evaluate": (
        (
            "Against GIAB",
            "evaluate -V calls.vcf.gz --truth HG002.vcf.gz --confident HG002.bed -R GRCh38.fa -o eval",
        ),
        (
            "Two callers, and GIAB's strata",
            "evaluate -V a.vcf.gz -V b.vcf.gz --name a --name b --truth HG002.vcf.gz --confident HG002.bed --stratification strata.tsv -R GRCh38.fa -o eval",
        ),
        (
            "Without truth: a trio's violations",
            "evaluate -V trio.vcf.gz --pedigree trio.ped -R GRCh38.fa -o eval",
        ),
    ),
    "report": (("", "report --evaluation eval -o content && multiqc content"),),
    "simulate": (
        ("A trio on a made-up genome, with truth", "simulate -o sim --family trio --genome-bp 1000000"),
    ),
    "profile": (("", "profile NA12878.bam GRCh38.fa -o my-library.npz"),),
    "examples": (
        ("", "examples -I child.bam -R GRCh38.fa --truth truth.vcf.gz --confident truth.bed -o examples"),
    ),
    "train": (("", "train --examples examples -o model"),),
    "tune": (("", "tune --examples examples -o study --trials 20"),),
    "show": (
        ("One site", "show -I child.bam -R GRCh38.fa --site chr20:1000123 -o site.png"),
        (
            "A trio, 60 bp to both sides",
            "show -I child.bam -I father.bam -I mother.bam -R GRCh38.fa --site chr20:1000123 --width 60 -o trio.png",
        ),
        (
            "All false calls of an evaluation on one page",
            "show -I child.bam -R GRCh38.fa -V eval/annotated.vcf.gz --judged FP -o errors.html",
        ),
    ),
    "why": (("", "why -I child.bam -R GRCh38.fa --site chr20:1000123"),),
    "stats": (("", "stats -V cohort.vcf.gz --pedigree families.ped -o stats"),),
    "haplotag": (
        (
            "Reads for a genome browser",
            "haplotag -V child.vcf.gz -I child.bam -R GRCh38.fa -o child.tagged.bam",
        ),
    ),
    "phase": (
        (
            "One contig, with a panel",
            "phase -V cohort.vcf.gz --contig chr20 --panel panel.chr20.vcf.gz -o chr20.vcf.gz",
        ),
    ),
    "export": (("VCF Zarr; for plink2: pgen", "export -V cohort.vcf.gz --format zarr -o cohort"),),
    "annotate": (("", "annotate -V cohort.vcf.gz -R GRCh38.fa --genes genes.gff3.gz -o annotated.vcf.gz"),),
    "filter": (("GATK's calls", "filter -V gatk.vcf.gz -I child.bam -R GRCh38.fa -o filtered.vcf.gz"),),
    "summary": (("", "summary --evaluation eval -o summary.txt"),),
    "provenance": (("", "provenance --run run.json --versions versions -o provenance.json"),),
    "warm": (("", "warm"),),
    "popgen simulate": (("", "popgen simulate --task balancing --loci 20000 -o loci -t 8"),),
    "popgen train": (("", "popgen train --simulations loci -o model"),),
    "popgen tune": (("", "popgen tune --simulations loci -o study --trials 20"),),
    "popgen compare": (
        ("", "popgen compare --model model/balancing.npz --simulations loci --test loci2 -o compared"),
    ),
    "popgen scan": (("", "popgen scan -V cohort.vcf.gz --model balancing -o scan"),),
}
