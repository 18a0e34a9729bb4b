// gVCFs of new samples and stored cohorts of others -> one cohort VCF, its statistics, and a stored cohort of all

include { SHARD_REFERENCE as SHARD_COHORT } from '../../processes/shard_reference/main'
include { STORE_BATCH    } from '../../processes/store_batch/main'
include { GENOTYPE_SHARD } from '../../processes/genotype_shard/main'
include { INDEX_STORE    } from '../../processes/index_store/main'
include { CONCAT_COHORT  } from '../../processes/concat_cohort/main'
include { EXPORT_COHORT  } from '../../processes/export_cohort/main'
include { COHORT_STATS   } from '../../processes/cohort_stats/main'

workflow GENOTYPE_COHORT {
    take:
    ch_gvcf       // channel: [ meta, gvcf, tbi ]
    samples       // value: [ names of their samples, in the samplesheet's order ]
    n_samples     // value: number of samples, stored ones included
    stored        // value: [ [ store, [ regions ] or null ], ... ] of earlier samples, or []
    batch         // value: samples that are stored together, or '' for what their number asks for
    save          // value: whether to store the cohort
    formats       // value: [ zarr, plink2 ] or some of them, or []
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

    // many samples: batches of them are stored, each by one task, so that no gVCF is staged to every shard
    ch_place = samples.map { names -> Scale.batches(names, batch) }
    ch_placed = ch_gvcf
        .combine(ch_place)
        .branch { meta, _gvcf, _tbi, place ->
            batched: place
            alone: true
        }
    ch_batch = ch_placed.batched
        .map { meta, gvcf, tbi, place ->
            def (name, size) = place[meta.sample]
            [groupKey(name, size), meta.sample, gvcf, tbi]
        }
        .groupTuple()
        .map { row -> Gather.whole(row, [n_shards: 1]) }
    STORE_BATCH(ch_batch, SHARD_COHORT.out.table, ch_reference)
    ch_stored = STORE_BATCH.out.store
        .combine(ch_place)
        .flatMap { _meta, stores, place ->
            def n = place.values().toSet().size()
            [stores].flatten().collect { [groupKey(it.baseName, n), it] }
        }
        .groupTuple()
        .map { key, stores -> [key.target, stores.sort { it.parent.name }] }

    ch_all = ch_placed.alone
        .toSortedList { a, b -> a[0].sample <=> b[0].sample }
        .map { rows -> [rows.collect { it[1] }, rows.collect { it[2] }] }
    ch_work = ch_shard
        .join(ch_stored, remainder: true)  // null: no batches
        .combine(n_shards)
        .map { shard, bed, stores, n ->
            def meta = [id: shard, sample: 'cohort', shard: shard, n_shards: n]
            [meta, bed, StoredCohorts.holding(stored, bed) + (stores ?: [])]
        }
    GENOTYPE_SHARD(ch_work, ch_all, ch_reference, pedigree, save)
    ch_parts = GENOTYPE_SHARD.out.store.toSortedList { a, b -> a[0].name <=> b[0].name }.filter { it }
    INDEX_STORE(ch_parts.map { parts -> parts.collect { it[1] } }, SHARD_COHORT.out.table)

    ch_gathered = GENOTYPE_SHARD.out.vcf
        .map { row -> Gather.keyed(row) }
        .groupTuple()
        .map { row -> Gather.whole(row) }
    CONCAT_COHORT(ch_gathered, SHARD_COHORT.out.table)
    EXPORT_COHORT(CONCAT_COHORT.out.vcf.combine(channel.fromList(formats)), pedigree)
    COHORT_STATS(CONCAT_COHORT.out.vcf, pedigree)

    emit:
    n_shards  = n_shards                     // value: number of shards
    genotyped = GENOTYPE_SHARD.out.vcf.map { it[0] }  // channel: meta of a shard
    vcf       = CONCAT_COHORT.out.vcf        // channel: [ meta, vcf, tbi ]
    checksums = CONCAT_COHORT.out.checksums  // channel: table of names, sizes and SHA-256
    stats     = COHORT_STATS.out.stats       // channel: folder
    shard     = ch_shard                     // channel: [ name, bed ]
    table     = SHARD_COHORT.out.table       // value: BED of all shards
}
