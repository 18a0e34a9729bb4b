// Calls of samples that have truth -> precision and recall of each, inside what was called

include { RESTRICT_TRUTH  } from '../../processes/restrict_truth/main'
include { EVALUATE_SAMPLE } from '../../processes/evaluate_sample/main'

workflow EVALUATE_COHORT {
    take:
    ch_call       // channel: [ meta, vcf, tbi ]; of several samples meta.sample chooses one
    ch_truth      // channel: [ id of the calls, vcf, index, bed ]
    regions       // value: BED of what was called, or [] for everything
    ch_reference  // value: [ fasta, fai, gzi or [] ]
    targets       // value: BED or interval list that is scored apart, or []

    main:
    if (regions) {
        RESTRICT_TRUTH(ch_truth.map { id, _vcf, _index, bed -> [[id: id], bed] }, regions)
        ch_known = ch_truth
            .join(RESTRICT_TRUTH.out.bed.map { meta, bed -> [meta.id, bed] })
            .map { id, vcf, index, _whole, bed -> [id, vcf, index, bed] }
    }
    else {
        ch_known = ch_truth
    }
    ch_work = ch_call
        .map { meta, vcf, tbi -> [meta.id, meta, vcf, tbi] }
        .join(ch_known)
        .map { _id, meta, vcf, tbi, truth_vcf, truth_index, bed -> [meta, vcf, tbi, truth_vcf, truth_index, bed] }
    EVALUATE_SAMPLE(ch_work, ch_reference, targets)

    emit:
    evaluation = EVALUATE_SAMPLE.out.evaluation                       // channel: [ meta, folder ]
}
