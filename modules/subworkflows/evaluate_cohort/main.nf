// Calls of samples that have truth -> precision and recall of each

include { EVALUATE_SAMPLE } from '../../processes/evaluate_sample/main'

workflow EVALUATE_COHORT {
    take:
    ch_vcf        // channel: [ meta, vcf, tbi ] of single samples
    ch_sample     // channel: row of samples.json
    regions       // value: BED of what was called, or []
    ch_reference  // value: [ fasta, fai, gzi or [] ]

    main:
    ch_truth = ch_sample
        .filter { row -> row.truth_vcf && row.truth_bed }
        .map { row -> [row.sample, file(row.truth_vcf, glob: false), file(row.truth_index, glob: false), file(row.truth_bed, glob: false)] }
    ch_work = ch_vcf
        .map { meta, vcf, tbi -> [meta.sample, meta, vcf, tbi] }
        .join(ch_truth)
        .combine(regions.map { [it] })
        .map { _sample, meta, vcf, tbi, truth_vcf, truth_tbi, truth_bed, bed -> [meta, vcf, tbi, truth_vcf, truth_tbi, truth_bed, bed] }
    EVALUATE_SAMPLE(ch_work, ch_reference)

    emit:
    evaluation = EVALUATE_SAMPLE.out.evaluation   // channel: [ meta, folder ]
    versions   = EVALUATE_SAMPLE.out.versions     // channel: versions.yml
}
