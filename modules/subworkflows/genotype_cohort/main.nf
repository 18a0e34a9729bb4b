// gVCFs of all samples -> one cohort VCF, and its statistics

include { SHARD_REFERENCE as SHARD_COHORT } from '../../processes/shard_reference/main'
include { GENOTYPE_SHARD } from '../../processes/genotype_shard/main'
include { CONCAT_COHORT  } from '../../processes/concat_cohort/main'
include { COHORT_STATS   } from '../../processes/cohort_stats/main'

workflow GENOTYPE_COHORT {
    take:
    ch_gvcf       // channel: [ meta, gvcf, tbi ]
    n_samples     // value: number of samples
    shard_bp      // value: callable bp per shard at most, or '' for what the number of samples allows
    regions       // value: BED or []
    contigs       // value: names, comma-separated, or ''
    ch_reference  // value: [ fasta, fai, gzi or [] ]
    pedigree      // value: PLINK .ped

    main:
    // shards of their own: a task's time grows with the samples, and a sample more must not change those of calling
    SHARD_COHORT(ch_reference, regions, contigs, n_samples.map { n -> Scale.cohortShardBp(n, shard_bp) })
    ch_shard = SHARD_COHORT.out.shards
        .flatMap { beds -> [beds].flatten().sort { it.name } }
        .map { bed -> [bed.baseName, bed] }
    n_shards = ch_shard.count()

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
    CONCAT_COHORT(ch_gathered, SHARD_COHORT.out.table)
    COHORT_STATS(CONCAT_COHORT.out.vcf, pedigree)

    emit:
    n_shards  = n_shards                     // value: number of shards
    genotyped = GENOTYPE_SHARD.out.vcf.map { it[0] }  // channel: meta of a shard
    vcf       = CONCAT_COHORT.out.vcf        // channel: [ meta, vcf, tbi ]
    checksums = CONCAT_COHORT.out.checksums  // channel: table of names, sizes and SHA-256
    stats     = COHORT_STATS.out.stats       // channel: folder
    versions  = GENOTYPE_SHARD.out.versions.unique { 'one' }.mix(SHARD_COHORT.out.versions, CONCAT_COHORT.out.versions, COHORT_STATS.out.versions)  // channel: versions.yml, one a process
}
