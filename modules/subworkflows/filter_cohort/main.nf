// Cohort VCFs and their samples' reads -> the same with scores and FILTER, by shards

include { FILTER_SHARD } from '../../processes/filter_shard/main'
include { CONCAT_COHORT as CONCAT_FILTERED } from '../../processes/concat_cohort/main'

workflow FILTER_COHORT {
    take:
    ch_vcf        // channel: [ meta, vcf, index or [] ] of cohorts
    // [ id of a cohort, [ [ name, platform, [ URLs ], number of local files ], ... ], reads, indexes ]
    ch_reads
    ch_shard      // channel: [ name, bed ], of all cohorts
    table         // value: BED of all shards
    ch_reference  // value: [ fasta, fai, gzi or [] ]
    model         // value: model file or []
    may_lack      // value: whether samples of a VCF may have no reads

    main:
    ch_work = ch_vcf
        .map { meta, vcf, index -> [meta.id, vcf, index] }
        .join(ch_reads)
        .combine(ch_shard)
        .combine(ch_shard.count())
        .map { id, vcf, index, samples, reads, indexes, shard, bed, n ->
            def meta = [id: "${id}.${shard}".toString(), sample: id, shard: shard, n_shards: n]
            [meta, bed, vcf, index, samples, reads, indexes]
        }
    FILTER_SHARD(ch_work, ch_reference, model, may_lack)
    ch_gathered = FILTER_SHARD.out.vcf
        .map { row -> Gather.keyed(row) }
        .groupTuple()
        .map { row -> Gather.whole(row) }
    CONCAT_FILTERED(ch_gathered, table)

    emit:
    vcf       = CONCAT_FILTERED.out.vcf        // channel: [ meta, vcf, tbi ]
    checksums = CONCAT_FILTERED.out.checksums  // channel: table of names, sizes and SHA-256
}
