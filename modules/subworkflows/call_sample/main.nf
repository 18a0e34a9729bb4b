// Every sample x shard -> one gVCF and one VCF per sample

include { CALL_SHARD   } from '../../processes/call_shard/main'
include { MERGE_SAMPLE } from '../../processes/merge_sample/main'

workflow CALL_SAMPLE {
    take:
    ch_sample     // channel: row of samples.json (sample, reads, indexes, platform, sex, ...)
    ch_shard      // channel: [ name, bed ]
    shard_table   // value: BED of all shards
    ch_reference  // value: [ fasta, fai, gzi or [] ]
    paralogs      // value: table of segmental duplications or []
    model         // value: model file or []
    targets       // value: BED or interval list whose coverage is told, or []
    alleles       // value: [ VCF or BCF of alleles that get a record, index ] or [ [], [] ]
    panel         // value: [ VCF or BCF of alleles with frequencies, index ] or [ [], [] ]

    main:
    // sample by sample, so that the first are complete while the last still wait; shard by shard, every sample's
    // files would lie in the work folder, and in the head's memory, until the end
    def gate = new Gate()
    ch_work = ch_sample
        .combine(ch_shard.toList().map { shards -> [shards] })
        .flatMap { row, shards ->
            if (!gate.enter(shards.size())) return []
            // reads in a bucket or on a server are read there by byte range: no shard copies a whole BAM
            def (remote, local) = row.reads.indices.split { row.reads[it].contains('://') }
            def reads = local.collect { file(row.reads[it], glob: false) }
            def indexes = local.collect { file(row.indexes[it], glob: false) }
            shards.collect { shard, bed ->
                def meta = [id: "${row.sample}.${shard}".toString(), sample: row.sample, shard: shard,
                    n_shards: shards.size()]
                def told = [row.platform, row.sex, row.contamination ?: '']
                [meta] + told + [remote.collect { row.reads[it] }, reads, indexes, bed]
            }
        }
    CALL_SHARD(ch_work, ch_reference, paralogs, model, alleles, panel)
    CALL_SHARD.out.calls.subscribe { gate.leave() }

    ch_gathered = CALL_SHARD.out.calls
        .map { row -> Gather.keyed(row) }
        .groupTuple()
        .map { row -> Gather.whole(row) }
    MERGE_SAMPLE(ch_gathered, shard_table, targets)

    emit:
    called    = CALL_SHARD.out.calls.map { it[0] }  // channel: meta of a sample's shard
    gvcf      = MERGE_SAMPLE.out.gvcf       // channel: [ meta, gvcf, tbi ]
    vcf       = MERGE_SAMPLE.out.vcf        // channel: [ meta, vcf, tbi ]
    facts     = MERGE_SAMPLE.out.facts      // channel: JSON about a sample's reads and calls
    checksums = MERGE_SAMPLE.out.checksums  // channel: table of names, sizes and SHA-256
}
