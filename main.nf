#!/usr/bin/env nextflow
// deepcohort: reads params, calls subworkflows, nothing else.

// versions.yml of all tasks come by a topic, which Nextflow has behind a flag before 25.04
nextflow.preview.topic = true

include { SIMULATE_COHORT  } from './modules/processes/simulate_cohort/main'
include { SIMULATE_COHORT as SIMULATE_NATURAL } from './modules/processes/simulate_cohort/main'
include { INDEX_REFERENCE  } from './modules/processes/index_reference/main'
include { FIND_PARALOGS    } from './modules/processes/find_paralogs/main'
include { BUILD_REPORT     } from './modules/processes/build_report/main'
include { WRITE_PROVENANCE } from './modules/processes/write_provenance/main'
include { PREPARE_COHORT   } from './modules/subworkflows/prepare_cohort/main'
include { ALIGN_COHORT     } from './modules/subworkflows/align_cohort/main'
include { CALL_SAMPLE      } from './modules/subworkflows/call_sample/main'
include { FINGERPRINT_COHORT } from './modules/subworkflows/fingerprint_cohort/main'
include { LOOK_AGAIN       } from './modules/subworkflows/look_again/main'
include { TAG_READS        } from './modules/subworkflows/tag_reads/main'
include { GENOTYPE_COHORT  } from './modules/subworkflows/genotype_cohort/main'
include { PHASE_COHORT     } from './modules/subworkflows/phase_cohort/main'
include { FILTER_COHORT    } from './modules/subworkflows/filter_cohort/main'
include { ANNOTATE_COHORT  } from './modules/subworkflows/annotate_cohort/main'
include { EVALUATE_COHORT  } from './modules/subworkflows/evaluate_cohort/main'
include { LEARN_MODEL      } from './modules/subworkflows/train_model/main'
include { LEARN_POPGEN     } from './modules/subworkflows/learn_popgen/main'
include { FILTER_SAMPLE    } from './modules/processes/filter_sample/main'
include { SHARD_REFERENCE as SHARD_VCFS } from './modules/processes/shard_reference/main'
include { PLAN_RUN         } from './modules/processes/plan_run/main'
include { POPGEN_SCAN      } from './modules/processes/popgen_scan/main'

// [ fai or [], gzi or [] ] as they lie beside the reference
def indexes_beside(reference) {
    return [".fai", ".gzi"].collect { suffix ->
        def index = file(reference + suffix, glob: false)
        index.exists() ? index : []
    }
}

// Files of an index of bwa-mem2 or bwa beside --reference, whole, or []
def aligner_index() {
    if (params.simulate || !params.reference) return []
    def parts = ['bwa-mem2': ['.0123', '.amb', '.ann', '.bwt.2bit.64', '.pac'],
        bwa: ['.amb', '.ann', '.bwt', '.pac', '.sa']]
    def beside = { suffix -> file("${params.reference}${suffix}", glob: false) }
    def found = parts.findAll { name, _suffixes -> params.aligner in [null, 'auto', name] }
        .findResult { _name, suffixes -> suffixes.every { beside(it).exists() } ? suffixes : null }
    return (found ?: []).collect { beside(it) } + (found && beside('.alt').exists() ? [beside('.alt')] : [])
}

def staged_files() {
    def sheet = file(params.samplesheet, glob: false)
    def folders = params.base_dir ? [params.base_dir] : [sheet.parent.toString(), workflow.launchDir.toString()]
    return sheet.scheme == 'file' ? Samplesheet.localFiles(sheet, folders*.toString()) : []
}

// [ file, its index ] or [ [], [] ]
def indexed_file(name) {
    return name ? [file(name, glob: false), file(KnownAlleles.index(name), glob: false)] : [[], []]
}

def optional_file(name) {
    return name ? file(name, glob: false) : []
}

// [ files ] of names and glob patterns, comma-separated; a name without a file is an error
def listed_files(names) {
    return (names ?: '').tokenize(',').collectMany { name ->
        def found = [file(name.trim())].flatten()
        def problem = "${name.trim()} names no file; check --multiqc_config and --multiqc_files"
        Messages.stopIf(found && found.every { it.exists() } ? [] : [problem])
        found
    }
}

// [ name, file or [] ]: a file where the name has the suffix, otherwise what is shipped under that name
def named_or_file(name, suffix) {
    return [name, name.endsWith(".${suffix}") ? file(name, glob: false) : []]
}

def export_formats() {
    return params.export ? params.export.tokenize(',').unique() : []
}

// Everything in simulated/ that one row of its samplesheet names, as LEARN_MODEL takes it
def simulated_samples(meta, sheet, fasta, fai) {
    return sheet.splitCsv(header: true).collect { row ->
        def beside = { name -> sheet.parent.resolve(name) }
        def id = "${meta.id}.${row.sample}".toString()
        def indexes = ['.tbi', '.csi'].collect { suffix -> beside("${row.truth_vcf}${suffix}") }
        def truth_index = indexes.find { it.exists() } ?: indexes[0]
        [
            [id: id, sample: row.sample, shard: 'all', n_shards: 1], row.platform ?: 'illumina', [beside(row.reads)],
            [beside(row.index ?: "${row.reads}.bai")], beside(row.truth_vcf), truth_index, beside(row.truth_bed),
            fasta, fai, [],
        ]
    }
}

def run_account() {
    return groovy.json.JsonOutput.toJson([
        parameters: params,
        nextflow: nextflow.version.toString(),
        pipeline: [name: workflow.manifest.name, version: workflow.manifest.version, revision: workflow.commitId],
        command: workflow.commandLine.replaceAll(/ -resume( [0-9a-f-]{36})?/, ''),  // else resuming writes it anew
        profile: workflow.profile,
        container: workflow.containerEngine,
    ])
}

def own_versions() {
    def own = workflow.manifest
    return "Workflow:\n    ${own.name}: ${own.version}\n    Nextflow: ${nextflow.version}\n".toString()
}

// [ fasta, fai, gzi or [] ] of --reference, indexed if need be
workflow REFERENCE {
    main:
    def fasta = file(params.reference, glob: false)
    def (fai, gzi) = indexes_beside(params.reference)
    if (fai && (gzi || fasta.extension != 'gz')) {
        ch_reference = channel.value([fasta, fai, gzi])
    }
    else {
        INDEX_REFERENCE(fasta)
        ch_reference = INDEX_REFERENCE.out.indexes.map { new_fai, new_gzi -> [fasta, new_fai, new_gzi] }
    }

    emit:
    reference = ch_reference  // value: [ fasta, fai, gzi or [] ]
}

// Samplesheet, reference and what containers must mount: given, or simulated first
workflow COHORT {
    main:
    if (params.simulate) {
        SIMULATE_COHORT([[id: 'cohort'], ''], [[], [], []])
        ch_sheet = SIMULATE_COHORT.out.cohort.map { it[1] }
        ch_reference = SIMULATE_COHORT.out.cohort.map { [it[2], it[3], []] }
        ch_staged = SIMULATE_COHORT.out.cohort.map { it[4] }
    }
    else {
        REFERENCE()
        ch_sheet = channel.value(file(params.samplesheet, glob: false))
        ch_reference = REFERENCE.out.reference
        ch_staged = channel.value(staged_files())
    }
    PREPARE_COHORT(
        ch_sheet, ch_reference, ch_staged, optional_file(params.regions), params.contigs ?: '', params.shard_bp ?: '',
        StoredCohorts.heads(params.cohort), export_formats(), params.base_dir ?: '', workflow.launchDir.toString(),
    )
    PREPARE_COHORT.out.notes.subscribe { notes -> Messages.notes(notes.readLines()).each { log.info(it) } }
    ALIGN_COHORT(
        PREPARE_COHORT.out.sample, ch_reference, aligner_index(), params.aligner ?: 'auto',
        params.save_reads ? 'cram' : 'bam',
    )

    emit:
    sheet     = ch_sheet                      // value: samplesheet
    aligned   = ALIGN_COHORT.out.sample       // channel: row of samples.json with aligned reads, in any order
    reference = ch_reference                  // value: [ fasta, fai, gzi or [] ]
    sample    = PREPARE_COHORT.out.sample     // channel: row of samples.json
    shard     = PREPARE_COHORT.out.shard      // channel: [ name, bed ]
    n_shards  = PREPARE_COHORT.out.n_shards   // value: number of shards
    table     = PREPARE_COHORT.out.table      // value: BED of all shards
    pedigree  = PREPARE_COHORT.out.pedigree   // value: PLINK .ped, stored samples included
}

// --mode plan: what --mode call would come to; nothing is called
workflow PLANNING {
    main:
    REFERENCE()
    ch_staged = channel.value(staged_files())
    PREPARE_COHORT(
        channel.value(file(params.samplesheet, glob: false)), REFERENCE.out.reference, ch_staged,
        optional_file(params.regions),
        params.contigs ?: '', params.shard_bp ?: '', StoredCohorts.heads(params.cohort), [], params.base_dir ?: '',
        workflow.launchDir.toString(),
    )
    PLAN_RUN(
        PREPARE_COHORT.out.samples, PREPARE_COHORT.out.table, REFERENCE.out.reference,
        Plans.options(params, StoredCohorts.count(params.cohort)), ch_staged,
    )

    emit:
    text = PLAN_RUN.out.text  // value: what to print
}

// --mode call: reads to cohort VCF
workflow CALLING {
    main:
    def progress = new Progress({ text -> log.info(text) })
    COHORT()
    COHORT.out.sample.count()
        .combine(COHORT.out.n_shards)
        .combine(COHORT.out.table)
        .subscribe { samples, shards, table -> progress.plan(samples, shards, table) }
    ch_paralogs = channel.value(optional_file(params.paralogs == 'none' ? null : params.paralogs))
    if (!params.paralogs) {
        // for the first sample of short reads, once inputs are checked; for none, not at all
        ch_short = COHORT.out.sample.filter { row -> row.platform == 'illumina' }.first()
        FIND_PARALOGS(ch_short.combine(COHORT.out.reference).map { _row, fasta, fai, gzi -> [fasta, fai, gzi] })
        ch_paralogs = FIND_PARALOGS.out.table.ifEmpty([]).first()
    }
    CALL_SAMPLE(
        COHORT.out.aligned, COHORT.out.shard, COHORT.out.table, COHORT.out.reference, ch_paralogs,
        optional_file(params.model == 'auto' ? null : params.model), optional_file(params.targets ?: params.regions),
        indexed_file(params.alleles), indexed_file(params.panel),
    )
    CALL_SAMPLE.out.called.subscribe { meta -> progress.called(meta.shard) }
    CALL_SAMPLE.out.gvcf.subscribe { progress.merged() }
    ch_truth = COHORT.out.sample
        .filter { row -> row.truth_vcf && row.truth_bed }
        .map { row -> [row.sample] + [row.truth_vcf, row.truth_index, row.truth_bed].collect { file(it, glob: false) } }
    ch_judged = CALL_SAMPLE.out.vcf
    if (params.haplotag) {
        TAG_READS(COHORT.out.aligned, CALL_SAMPLE.out.vcf, COHORT.out.reference)
    }
    ch_checksums = channel.empty()
    ch_stats = channel.empty()
    if (params.fingerprints) {
        FINGERPRINT_COHORT(
            COHORT.out.aligned, COHORT.out.reference, indexed_file(params.fingerprints), COHORT.out.pedigree,
            optional_file(params.regions), params.contigs ?: '',
        )
        FINGERPRINT_COHORT.out.warnings.subscribe { lines ->
            Messages.warnings(lines.readLines()).each { log.warn(it) }
        }
        ch_stats = ch_stats.mix(FINGERPRINT_COHORT.out.tables)
    }
    if (params.joint) {
        LOOK_AGAIN(
            CALL_SAMPLE.out.gvcf, CALL_SAMPLE.out.facts, COHORT.out.aligned, COHORT.out.shard, COHORT.out.table,
            COHORT.out.reference,
            ch_paralogs, optional_file(params.model == 'auto' ? null : params.model),
            StoredCohorts.parts(params.cohort),
            params.second_look == null ? 'auto' : params.second_look.toString(),
        )
        GENOTYPE_COHORT(
            LOOK_AGAIN.out.gvcf, COHORT.out.sample.map { it.sample }.toList(),
            COHORT.out.pedigree.map { it.countLines() }, StoredCohorts.parts(params.cohort),
            params.cohort_batch ?: '', params.save_cohort, export_formats(), params.shard_bp ?: '',
            optional_file(params.regions),
            params.contigs ?: '', COHORT.out.reference, COHORT.out.pedigree,
        )
        GENOTYPE_COHORT.out.n_shards.subscribe { n -> progress.cohort(n) }
        GENOTYPE_COHORT.out.genotyped.subscribe { progress.genotyped() }
        ch_checksums = GENOTYPE_COHORT.out.checksums
        ch_stats = ch_stats.mix(GENOTYPE_COHORT.out.stats)
        ch_cohort = GENOTYPE_COHORT.out.vcf
        if (params.phase_cohort) {
            PHASE_COHORT(ch_cohort, GENOTYPE_COHORT.out.table, params.phase_panel ?: '', COHORT.out.pedigree)
            ch_cohort = PHASE_COHORT.out.vcf
            ch_checksums = ch_checksums.mix(PHASE_COHORT.out.checksums)
        }
        if (params.filter) {
            ch_rows = COHORT.out.aligned.toSortedList { a, b -> a.sample <=> b.sample }
                .map { rows -> ['cohort'] + ReadsSheet.of(rows) }
            FILTER_COHORT(
                ch_cohort, ch_rows, GENOTYPE_COHORT.out.shard, GENOTYPE_COHORT.out.table, COHORT.out.reference,
                optional_file(params.model == 'auto' ? null : params.model), params.cohort as boolean,
            )
            ch_cohort = FILTER_COHORT.out.vcf
            ch_checksums = ch_checksums.mix(FILTER_COHORT.out.checksums)
        }
        if (Annotation.wanted(params)) {
            ANNOTATE_COHORT(
                ch_cohort, GENOTYPE_COHORT.out.shard, GENOTYPE_COHORT.out.table,
                optional_file(params.alphamissense), optional_file(params.amino_acids), optional_file(params.genes),
                Annotation.staged(params), Annotation.files(params), COHORT.out.reference, COHORT.out.pedigree,
            )
            ch_checksums = ch_checksums.mix(ANNOTATE_COHORT.out.checksums)
            ch_stats = ch_stats.mix(ANNOTATE_COHORT.out.report)
        }
        if (params.scan) {
            POPGEN_SCAN(GENOTYPE_COHORT.out.vcf, named_or_file(params.scan, 'dcpop'))
            ch_stats = ch_stats.mix(POPGEN_SCAN.out.scan)
        }
        // genotypes of the cohort are scored beside its single-sample calls, as SAMPLE.cohort
        ch_both = ch_truth.combine(GENOTYPE_COHORT.out.vcf)
        ch_judged = ch_judged.mix(ch_both.map { sample, _truth, _index, _bed, _meta, vcf, tbi ->
            [[id: "${sample}.cohort".toString(), sample: sample, shard: 'all', n_shards: 1], vcf, tbi]
        })
        ch_truth = ch_truth.mix(ch_truth.map { sample, vcf, index, bed ->
            ["${sample}.cohort".toString(), vcf, index, bed]
        })
    }
    EVALUATE_COHORT(
        ch_judged, ch_truth, params.regions || params.contigs ? COHORT.out.table : [], COHORT.out.reference,
        optional_file(params.targets ?: (params.bed_padding ? params.regions : null)),
    )

    emit:
    inputs      = COHORT.out.sheet.mix(COHORT.out.reference.map { it[0] })  // channel: file
    checksums   = CALL_SAMPLE.out.checksums.mix(ch_checksums).flatten()     // channel: table
    evaluations = EVALUATE_COHORT.out.evaluation.map { it[1] }  // channel: folder
    stats       = ch_stats                                      // channel: folder
    facts       = CALL_SAMPLE.out.facts                         // channel: JSON
}

// --mode evaluate: a VCF that exists against a truth
workflow EVALUATION {
    main:
    REFERENCE()
    def calls = file(params.calls, glob: false)
    def index = { name -> ['.tbi', '.csi'].collect { file(name + it, glob: false) }.findAll { it.exists() } }
    def meta = [id: params.sample ?: calls.simpleName, sample: params.sample ?: '', shard: 'all', n_shards: 1]
    def truth = [meta.id, file(params.truth_vcf, glob: false), index(params.truth_vcf),
        file(params.truth_bed, glob: false)]
    EVALUATE_COHORT(
        channel.of([meta, calls, index(params.calls)]), channel.of(truth), optional_file(params.regions),
        REFERENCE.out.reference,
        optional_file(params.targets),
    )

    emit:
    inputs      = channel.of(calls, file(params.truth_vcf, glob: false))  // channel: file
    checksums   = channel.empty()                                         // channel: table
    evaluations = EVALUATE_COHORT.out.evaluation.map { it[1] }            // channel: folder
    stats       = channel.empty()                                         // channel: folder
    facts       = channel.empty()                                         // channel: JSON
}

// --mode filter: VCFs of any caller, scored and filtered by the reads of their samples
workflow FILTERING {
    main:
    REFERENCE()
    def model = optional_file(params.model == 'auto' ? null : params.model)
    def found = VcfSheet.cohorts(params.samplesheet, params.base_dir)
    def (one, several) = found.split { _name, _vcf, _index, samples -> samples.size() == 1 }
    def meta = { name -> [id: name, sample: name, shard: 'all', n_shards: 1] }
    FILTER_SAMPLE(
        channel.fromList(
            one.collect { name, vcf, index, samples -> [meta(name), vcf, index] + ReadsSheet.of(samples) },
        ),
        REFERENCE.out.reference, model,
    )
    // cut for cohorts alone
    SHARD_VCFS(
        REFERENCE.out.reference.filter { several }, [], '',
        Scale.filterShardBp(several.collect { it[3].size() }.max() ?: 1, params.shard_bp),
    )
    FILTER_COHORT(
        channel.fromList(several.collect { name, vcf, index, _samples -> [meta(name), vcf, index] }),
        channel.fromList(several.collect { name, _vcf, _index, samples -> [name] + ReadsSheet.of(samples) }),
        SHARD_VCFS.out.shards.flatMap { beds -> [beds].flatten().sort { it.name } }.map { bed -> [bed.baseName, bed] },
        SHARD_VCFS.out.table, REFERENCE.out.reference, model, false,
    )

    emit:
    inputs      = channel.fromList(found.collect { it[1] })                              // channel: file
    checksums   = FILTER_SAMPLE.out.checksums.mix(FILTER_COHORT.out.checksums)           // channel: table
    evaluations = channel.empty()                                                        // channel: folder
    stats       = channel.empty()                                                        // channel: folder
    facts       = channel.empty()                                                        // channel: JSON
}

// --mode train: samples with truth, from a samplesheet or simulated, to a model
workflow TRAINING {
    main:
    if (params.samplesheet) {
        COHORT()
        ch_sample = COHORT.out.aligned
            .filter { row -> row.truth_vcf && row.truth_bed }
            .combine(COHORT.out.reference)
            .map { row, fasta, fai, gzi ->
                def meta = [id: row.sample, sample: row.sample, shard: 'all', n_shards: 1]
                def reads = [row.reads, row.indexes].collect { files -> files.collect { file(it, glob: false) } }
                def tbi = file(row.truth_index, glob: false)
                [meta, row.platform] + reads + [file(row.truth_vcf, glob: false), tbi, file(row.truth_bed, glob: false),
                    fasta, fai, gzi]
            }
        ch_inputs = COHORT.out.sheet.mix(COHORT.out.reference.map { it[0] })
        ch_natural = params.natural ? ch_sample : channel.empty()
    }
    else {
        ch_inputs = channel.empty()
        ch_reference = channel.value([[], [], []])
        if (params.reference) {
            REFERENCE()
            ch_reference = REFERENCE.out.reference
            ch_inputs = ch_reference.map { it[0] }
        }
        SIMULATE_COHORT(
            channel.of(1..params.simulations).map { i -> [[id: "simulation_${i}".toString()], params.seed + i] },
            ch_reference,
        )
        ch_sample = SIMULATE_COHORT.out.cohort.flatMap { meta, sheet, fasta, fai, _files ->
            simulated_samples(meta, sheet, fasta, fai)
        }
        ch_natural = channel.empty()
        if (params.natural) {
            // other genomes than those learned from, with nature's differences and errors
            def first = params.simulations + 1
            def last = params.simulations + Math.ceil(params.simulations / 4).intValue()
            SIMULATE_NATURAL(
                channel.of(first..last).map { i -> [[id: "natural_${i}".toString()], params.seed + i] },
                ch_reference,
            )
            ch_natural = SIMULATE_NATURAL.out.cohort.flatMap { meta, sheet, fasta, fai, _files ->
                simulated_samples(meta, sheet, fasta, fai)
            }
        }
    }
    LEARN_MODEL(
        ch_sample, ch_natural, optional_file(params.regions), params.model_name, optional_file(params.train_config),
        optional_file(params.init_from),
    )

    emit:
    inputs      = ch_inputs                                     // channel: file
    checksums   = channel.empty()                               // channel: table
    evaluations = channel.empty()                               // channel: folder
    stats       = LEARN_MODEL.out.model.map { it[1] }           // channel: folder
    facts       = channel.empty()                               // channel: JSON
}

// --mode popgen: simulated loci to a model of histories or selection, beside the classical ways
workflow POPGEN {
    main:
    def (task_name, task_file) = named_or_file(params.popgen_task, 'toml')
    LEARN_POPGEN(
        params.model_name == 'model' ? task_name.tokenize('/').last() - '.toml' : params.model_name, task_name,
        task_file,
        params.popgen_loci, params.popgen_test_loci, params.popgen_shards, params.seed + 1,
        optional_file(params.train_config),
    )

    emit:
    inputs      = channel.fromList(task_file ? [task_file] : [])                           // channel: file
    checksums   = channel.empty()                                                          // channel: table
    evaluations = channel.empty()                                                          // channel: folder
    stats       = LEARN_POPGEN.out.model.map { it[1] }.mix(LEARN_POPGEN.out.comparison)    // channel: folder
    facts       = channel.empty()                                                          // channel: JSON
}

workflow {
    main:
    def schema = file("${projectDir}/nextflow_schema.json")
    if (params.help) {
        println(Parameters.help(schema, workflow.manifest.version))
        exit(0)
    }
    if (params.version) {
        println("deepcohort ${workflow.manifest.version}")
        exit(0)
    }
    Messages.stopIf(Backend.retired(params))
    Messages.stopIf(Parameters.problems(schema, params, workflow.commandLine) + Messages.missing(params)
        + StoredCohorts.problems(params) + Annotation.problems(params) + KnownAlleles.problems(params)
        + SecondLook.problems(params) + Haplotypes.problems(params) + VcfSheet.problems(params)
        + Backend.problems(params, workflow.profile))

    if (params.mode == 'plan') {
        PLANNING()
        def plan = [:]
        PLANNING.out.text.subscribe { plan.text = it.text }
        workflow.onComplete = { Messages.finish(workflow, params.outdir, plan.text, params.email) }
        return
    }
    if (params.mode == 'filter') {
        FILTERING()
        ran = FILTERING.out
    }
    else if (params.mode == 'evaluate') {
        EVALUATION()
        ran = EVALUATION.out
    }
    else if (params.mode == 'popgen') {
        POPGEN()
        ran = POPGEN.out
    }
    else if (params.mode == 'train') {
        TRAINING()
        ran = TRAINING.out
    }
    else {
        CALLING()
        ran = CALLING.out
    }
    // one versions.yml a process, of those that ran
    ch_versions = channel.topic('versions').unique { process, _yml -> process }.map { _process, yml -> yml.text }
    BUILD_REPORT(
        ran.evaluations.toSortedList { a, b -> a.name <=> b.name },
        ran.stats.toSortedList { a, b -> a.name <=> b.name },
        ran.facts.toSortedList { a, b -> a.name <=> b.name },
        [file("${projectDir}/assets/multiqc_config.yml")] + listed_files(params.multiqc_config),
        listed_files(params.multiqc_files),
        run_account(),
        ch_versions.collect(sort: true).map { it.join('') }.ifEmpty(''),
    )
    WRITE_PROVENANCE(
        ch_versions.mix(BUILD_REPORT.out.versions.map { it.text }, channel.of(own_versions())).unique()
            .collect(sort: true).map { it.join('') },
        run_account(),
        ran.inputs.toSortedList { a, b -> a.name <=> b.name },
        ran.checksums.toSortedList { a, b -> a.name <=> b.name },
        params.model && params.model != 'auto'
            ? file(params.model, glob: false) : files("${projectDir}/assets/models/*.{dcmodel,md}"),
    )

    def summary = [:]
    BUILD_REPORT.out.summary.subscribe { summary.text = it.text }
    workflow.onComplete = { Messages.finish(workflow, params.outdir, summary.text, params.email) }
}
