// gVCFs of all samples -> one cohort VCF, and its statistics

include { GENOTYPE_SHARD } from '../../processes/genotype_shard/main'
include { CONCAT_COHORT  } from '../../processes/concat_cohort/main'
include { COHORT_STATS   } from '../../processes/cohort_stats/main'

workflow GENOTYPE_COHORT {
    take:
    ch_gvcf       // channel: [ meta, gvcf, tbi ]
    ch_shard      // channel: [ name, bed ]
    n_shards      // value: number of shards
    shard_table   // value: BED of all shards
    ch_reference  // value: [ fasta, fai, gzi or [] ]
    pedigree      // value: PLINK .ped

    main:
    ch_all = ch_gvcf
        .toSortedList { a, b -> a[0].sample <=> b[0].sample }
        .map { rows -> [rows.collect { it[1] }, rows.collect { it[2] }] }
    ch_work = ch_shard
        .combine(n_shards)
        .map { shard, bed, n -> [[id: shard, sample: 'cohort', shard: shard, n_shards: n], bed] }
    GENOTYPE_SHARD(ch_work, ch_all, ch_reference, pedigree)

    ch_gathered = GENOTYPE_SHARD.out.vcf
        .map { meta, vcf, tbi -> [groupKey(meta.sample, meta.n_shards), meta.shard, vcf, tbi] }
        .groupTuple()
        .map { key, shards, vcfs, tbis ->
            def order = shards.indices.toList().sort { shards[it] }
            def meta = [id: key.target, sample: key.target, shard: 'all', n_shards: shards.size()]
            [meta] + [vcfs, tbis].collect { files -> order.collect { files[it] } }
        }
    CONCAT_COHORT(ch_gathered, shard_table)
    COHORT_STATS(CONCAT_COHORT.out.vcf, pedigree)

    emit:
    genotyped = GENOTYPE_SHARD.out.vcf.map { it[0] }  // channel: meta of a shard
    vcf       = CONCAT_COHORT.out.vcf        // channel: [ meta, vcf, tbi ]
    checksums = CONCAT_COHORT.out.checksums  // channel: table of names, sizes and SHA-256
    stats     = COHORT_STATS.out.stats       // channel: folder
    versions  = GENOTYPE_SHARD.out.versions.first().mix(CONCAT_COHORT.out.versions, COHORT_STATS.out.versions)  // channel: versions.yml, one a process
}
