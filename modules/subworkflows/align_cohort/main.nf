// Samples, some of them with lanes of FASTQ files -> samples with aligned reads only

include { INDEX_ALIGNER } from '../../processes/index_aligner/main'
include { ALIGN_LANE    } from '../../processes/align_lane/main'
include { FINISH_SAMPLE } from '../../processes/finish_sample/main'

workflow ALIGN_COHORT {
    take:
    ch_sample     // channel: row of samples.json (lanes: what is to be aligned; absent where nothing is)
    ch_reference  // value: [ fasta, fai, gzi or [] ]
    beside        // value: [ files of an index of bwa-mem2 or bwa ] that exist already, or []
    aligner       // value: name of the aligner of short reads, or auto
    suffix        // value: bam or cram

    main:
    ch_sorted = ch_sample.branch { row ->
        to_align: row.lanes
        ready: true
    }
    ch_wanted = ch_sorted.to_align.map { row -> row.platform }.unique().filter { it != 'illumina' || !beside }
    INDEX_ALIGNER(ch_wanted.combine(ch_reference), aligner)
    ch_index = INDEX_ALIGNER.out.index.mix(channel.fromList(beside ? [['illumina', beside]] : []))

    ch_lane = ch_sorted.to_align.flatMap { row ->
        row.lanes.collect { lane ->
            def meta = [id: "${row.sample}.${lane.lane}".toString(), sample: row.sample, shard: lane.lane,
                n_shards: row.lanes.size()]
            [row.platform, meta, lane.fastq.collect { file(it, glob: false) }]
        }
    }
    ALIGN_LANE(ch_lane.combine(ch_index, by: 0), ch_reference, aligner)

    ch_whole = ALIGN_LANE.out.lane
        .map { row -> Gather.keyed(row) }
        .groupTuple()
        .map { row -> Gather.whole(row) }
        .map { meta, bams, programs -> [meta.sample, meta, bams, programs] }
        .join(ch_sorted.to_align.map { row -> [row.sample, row.platform] })
        .map { _sample, meta, bams, programs, platform -> [platform, meta, bams, programs] }
    FINISH_SAMPLE(ch_whole, ch_reference, suffix)

    ch_aligned = FINISH_SAMPLE.out.reads
        .map { meta, reads, index -> [meta.sample, reads, index] }
        .join(ch_sorted.to_align.map { row -> [row.sample, row] })
        .map { _sample, reads, index, row ->
            row + [reads: row.reads + [reads.toUriString()], indexes: row.indexes + [index.toUriString()], lanes: null]
        }

    emit:
    sample   = ch_sorted.ready.mix(ch_aligned)  // channel: row of samples.json, in whatever order they are ready
}
