#!/usr/bin/env nextflow
// deepcohort: reads params, calls subworkflows, nothing else.

include { SIMULATE_COHORT  } from './modules/processes/simulate_cohort/main'
include { INDEX_REFERENCE  } from './modules/processes/index_reference/main'
include { BUILD_REPORT     } from './modules/processes/build_report/main'
include { WRITE_PROVENANCE } from './modules/processes/write_provenance/main'
include { PREPARE_COHORT   } from './modules/subworkflows/prepare_cohort/main'
include { CALL_SAMPLE      } from './modules/subworkflows/call_sample/main'
include { GENOTYPE_COHORT  } from './modules/subworkflows/genotype_cohort/main'
include { EVALUATE_COHORT  } from './modules/subworkflows/evaluate_cohort/main'

// [ fai or [], gzi or [] ] as they lie beside the reference
def indexes_beside(reference) {
    return [".fai", ".gzi"].collect { suffix ->
        def index = file(reference + suffix, glob: false)
        index.exists() ? index : []
    }
}

def staged_files() {
    def sheet = file(params.samplesheet, glob: false)
    def folders = params.base_dir ? [params.base_dir] : [sheet.parent.toString(), workflow.launchDir.toString()]
    return sheet.scheme == 'file' ? Samplesheet.localFiles(sheet, folders*.toString()) : []
}

def optional_file(name) {
    return name ? file(name, glob: false) : []
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
    Messages.stopIf(Parameters.problems(schema, params) + Messages.missing(params) + Backend.problems(params, workflow.profile))

    def regions = optional_file(params.regions)
    ch_versions = channel.empty()
    if (params.simulate) {
        SIMULATE_COHORT([id: 'cohort'])
        ch_sheet = SIMULATE_COHORT.out.samplesheet
        ch_reference = SIMULATE_COHORT.out.reference.map { fasta, fai -> [fasta, fai, []] }
        ch_staged = SIMULATE_COHORT.out.files
        ch_versions = SIMULATE_COHORT.out.versions
    }
    else {
        def fasta = file(params.reference, glob: false)
        def (fai, gzi) = indexes_beside(params.reference)
        ch_sheet = channel.value(file(params.samplesheet, glob: false))
        ch_staged = channel.value(staged_files())
        if (fai && (gzi || fasta.extension != 'gz')) {
            ch_reference = channel.value([fasta, fai, gzi])
        }
        else {
            INDEX_REFERENCE(fasta)
            ch_reference = INDEX_REFERENCE.out.indexes.map { new_fai, new_gzi -> [fasta, new_fai, new_gzi] }
            ch_versions = INDEX_REFERENCE.out.versions
        }
    }

    PREPARE_COHORT(
        ch_sheet, ch_reference, ch_staged, regions, params.contigs ?: '', params.base_dir ?: '', workflow.launchDir.toString(),
    )
    CALL_SAMPLE(
        PREPARE_COHORT.out.sample, PREPARE_COHORT.out.shard, PREPARE_COHORT.out.n_shards, PREPARE_COHORT.out.table,
        ch_reference, optional_file(params.model == 'auto' ? null : params.model),
    )
    EVALUATE_COHORT(
        CALL_SAMPLE.out.vcf, PREPARE_COHORT.out.sample,
        params.regions || params.contigs ? PREPARE_COHORT.out.table : channel.value([]),
        ch_reference,
    )
    ch_versions = ch_versions.mix(PREPARE_COHORT.out.versions, CALL_SAMPLE.out.versions, EVALUATE_COHORT.out.versions)

    ch_cohort = channel.empty()
    ch_stats = channel.empty()
    if (params.joint) {
        GENOTYPE_COHORT(
            CALL_SAMPLE.out.gvcf, PREPARE_COHORT.out.shard, PREPARE_COHORT.out.n_shards, PREPARE_COHORT.out.table,
            ch_reference, PREPARE_COHORT.out.pedigree,
        )
        ch_cohort = GENOTYPE_COHORT.out.vcf
        ch_stats = GENOTYPE_COHORT.out.stats
        ch_versions = ch_versions.mix(GENOTYPE_COHORT.out.versions)
    }

    BUILD_REPORT(
        EVALUATE_COHORT.out.evaluation.map { it[1] }.toSortedList { a, b -> a.name <=> b.name },
        ch_stats.toList(),
        file("${projectDir}/assets/multiqc_config.yml"),
    )
    WRITE_PROVENANCE(
        ch_versions.mix(BUILD_REPORT.out.versions).collect(sort: true),
        run_account(),
        ch_sheet.mix(ch_reference.map { it[0] }).toList(),
        CALL_SAMPLE.out.gvcf.mix(CALL_SAMPLE.out.vcf, ch_cohort).map { it[1] }.toSortedList { a, b -> a.name <=> b.name },
    )

    def summary = [:]
    BUILD_REPORT.out.summary.subscribe { summary.text = it.text }
    workflow.onComplete = { Messages.finish(workflow, params.outdir, summary.text) }
}
