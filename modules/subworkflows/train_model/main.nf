// Samples with truth -> a trained model

include { MAKE_EXAMPLES                 } from '../../processes/make_examples/main'
include { MAKE_EXAMPLES as MAKE_NATURAL } from '../../processes/make_examples/main'
include { TRAIN_MODEL                   } from '../../processes/train_model/main'

workflow LEARN_MODEL {
    take:
    ch_sample  // channel: [ meta, platform, reads[], indexes[], truth_vcf, tbi, truth_bed, fasta, fai, gzi or [] ]
    ch_natural // channel: the same of samples whose reads calibrate, or empty
    regions    // value: BED to learn from, or []
    name       // value: name of the model
    config     // value: training settings or []
    init_from  // value: model to start from or []

    main:
    MAKE_EXAMPLES(ch_sample, regions)
    ch_all = MAKE_EXAMPLES.out.examples
        .toSortedList { a, b -> a[0].id <=> b[0].id }
        .map { rows -> [[id: name, sample: 'all', shard: 'all', n_shards: rows.size()], rows.collect { it[1] }] }
    MAKE_NATURAL(ch_natural, regions)
    ch_calibrating = MAKE_NATURAL.out.examples
        .toSortedList { a, b -> a[0].id <=> b[0].id }
        .map { rows -> rows.collect { it[1] } }
    TRAIN_MODEL(ch_all, config, init_from, ch_calibrating)

    emit:
    model    = TRAIN_MODEL.out.model                                        // channel: [ meta, folder ]
}
