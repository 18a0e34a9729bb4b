// A task -> simulated loci -> a model, held against the classical ways on unseen loci

include { POPGEN_SIMULATE } from '../../processes/popgen_simulate/main'
include { POPGEN_TRAIN    } from '../../processes/popgen_train/main'
include { POPGEN_COMPARE  } from '../../processes/popgen_compare/main'

workflow LEARN_POPGEN {
    take:
    name       // value: name of the model
    task_name  // value: built-in task, or the name of task_file
    task_file  // value: TOML, or []
    loci       // value: loci to learn from
    test_loci  // value: unseen loci
    n_shards   // value: tasks that share the simulation
    seed       // value: seed of the loci to learn from; the unseen ones have the next
    config     // value: training settings, or []

    main:
    ch_shares = channel.of(['train', loci, seed], ['test', test_loci, seed + 1])
        .combine(channel.of(1..n_shards))
        .map { part, n, own_seed, shard ->
            [[id: part, sample: 'all', shard: shard, n_shards: n_shards], task_name, task_file, n, own_seed]
        }
    POPGEN_SIMULATE(ch_shares)
    ch_parts = POPGEN_SIMULATE.out.loci
        .map { meta, folder -> [groupKey(meta.id, n_shards), meta.shard, folder] }
        .groupTuple()
        .map { part, shards, folders -> [part.toString(),
            [shards, folders].transpose().sort { it[0] }.collect { it[1] }] }
    ch_train = ch_parts.filter { it[0] == 'train' }.map { _part, folders ->
        [[id: name, sample: 'all', shard: 'all', n_shards: n_shards], folders]
    }
    ch_test = ch_parts.filter { it[0] == 'test' }.map { it[1] }
    POPGEN_TRAIN(ch_train, config)
    POPGEN_COMPARE(
        POPGEN_TRAIN.out.model.join(ch_train).combine(ch_test.map { [it] }),
    )

    emit:
    model      = POPGEN_TRAIN.out.model            // channel: [ meta, folder ]
    comparison = POPGEN_COMPARE.out.comparison     // channel: folder
}
