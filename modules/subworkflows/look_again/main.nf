// gVCFs of first calls -> gVCFs in which every sample has a record of every allele that any sample shows

include { LIST_SITES } from '../../processes/list_sites/main'
include { LOOK_SHARD } from '../../processes/look_shard/main'
include { MERGE_LOOK } from '../../processes/merge_look/main'

workflow LOOK_AGAIN {
    take:
    ch_gvcf       // channel: [ meta, gvcf, tbi ] of first calls
    ch_facts      // channel: JSON about a sample's reads and calls
    ch_sample     // channel: row of samples.json
    ch_shard      // channel: [ name, bed ]
    shard_table   // value: BED of all shards
    ch_reference  // value: [ fasta, fai, gzi or [] ]
    paralogs      // value: table of segmental duplications or []
    model         // value: model file or []
    stored        // value: [ [ store, [ regions ] or null ], ... ] of earlier samples, or []
    wanted        // value: 'auto', 'true', 'false' or 'all'

    main:
    // everything waits for the last facts: what depth the cohort has decides
    ch_decided = ch_facts.collect().map { facts -> SecondLook.wanted(wanted, facts) }
    if (stored) {
        ch_decided.filter { it }.subscribe {
            log.info("Stored samples are not looked at again for alleles that new ones bring: they keep what their "
                + "gVCFs say. For that, name all samples in the samplesheet (docs/known_alleles.md).")
        }
    }
    ch_split = ch_gvcf
        .combine(ch_decided)
        .branch { _meta, _gvcf, _tbi, look ->
            again: look
            once: true
        }
    ch_first = ch_split.again.map { meta, gvcf, tbi, _look -> [meta, gvcf, tbi] }
    ch_all = ch_first
        .toSortedList { a, b -> a[0].sample <=> b[0].sample }
        .filter { rows -> rows }
        .map { rows -> [rows.collect { it[1] }, rows.collect { it[2] }] }
    n_shards = ch_shard.count()
    LIST_SITES(
        ch_shard.combine(n_shards).map { shard, bed, n ->
            [[id: shard, sample: 'cohort', shard: shard, n_shards: n], bed, StoredCohorts.holding(stored, bed)]
        },
        ch_all, ch_reference,
    )
    ch_sites = LIST_SITES.out.sites.map { meta, vcf, tbi -> [meta.shard, vcf, tbi] }
    ch_work = ch_sample
        .combine(ch_shard.join(ch_sites))
        .combine(n_shards)
        .map { row, shard, bed, vcf, tbi, n ->
            def (remote, local) = row.reads.indices.split { row.reads[it].contains('://') }
            def meta = [id: "${row.sample}.${shard}".toString(), sample: row.sample, shard: shard, n_shards: n]
            def reads = [row.reads, row.indexes].collect { files -> local.collect { file(files[it], glob: false) } }
            [meta, row.platform, row.sex, remote.collect { row.reads[it] }] + reads + [bed, vcf, tbi]
        }
    LOOK_SHARD(ch_work, ch_reference, paralogs, model)
    ch_looks = LOOK_SHARD.out.look
        .map { row -> Gather.keyed(row) }
        .groupTuple()
        .map { row -> Gather.whole(row) }
        .map { meta, looks, tbis -> [meta.sample, looks, tbis] }
    MERGE_LOOK(
        ch_first.map { meta, gvcf, tbi -> [meta.sample, meta, gvcf, tbi] }.join(ch_looks).map { row -> row.tail() },
        shard_table,
    )

    emit:
    // channel: [ meta, gvcf, tbi ]
    gvcf     = ch_split.once.map { meta, gvcf, tbi, _look -> [meta, gvcf, tbi] }.mix(MERGE_LOOK.out.gvcf)
    decided  = ch_decided  // value: whether a second look is made
}
