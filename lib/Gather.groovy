// The shards of a sample, or of the cohort, put together again: once, for all subworkflows.
import nextflow.Nextflow

class Gather {

    // [ meta, file, ... ] of a shard -> [ key, shard, file, ... ] for groupTuple, which lets a sample go once all are
    // there.
    // `by`: the entry of meta that puts the shards in order.
    static List keyed(List row, String by = 'shard') {
        def meta = row[0]
        [Nextflow.groupKey(meta.sample, meta.n_shards), meta[by]] + row.tail()
    }

    // What groupTuple gives -> [ meta of the whole, [ files ], ... ], files by shard: whatever order they came in,
    // -resume needs the same task again. `more`: entries of meta that differ.
    static List whole(List row, Map more = [:]) {
        def (key, shards) = row
        def order = shards.indices.toList().sort { shards[it] }
        def meta = [id: key.target, sample: key.target, shard: 'all', n_shards: shards.size()] + more
        [meta] + row.drop(2).collect { files -> order.collect { files[it] } }
    }
}
