/** Reads of a cohort's samples between channels and `deepcohort filter --samplesheet`. */
class ReadsSheet {

    /** [ [ name, platform, [ URLs ], number of local files ], ... ], reads and indexes, of rows of samples.json. */
    static List<List> of(List rows) {
        def samples = [], reads = [], indexes = []
        rows.each { row ->
            def (remote, local) = row.reads.indices.split { row.reads[it].contains('://') }
            samples << [row.sample, row.platform, remote.collect { row.reads[it] }, local.size()]
            local.each { i ->
                reads << nextflow.Nextflow.file(row.reads[i], glob: false)
                indexes << nextflow.Nextflow.file(row.indexes[i], glob: false)
            }
        }
        return [samples, reads, indexes]
    }

    /** The samplesheet of a task; `staged`: local reads of all samples as they lie there, in order. */
    static String text(List samples, List staged) {
        def lines = ['sample,platform,reads']
        def next = 0
        samples.each { name, platform, urls, n ->
            (urls + staged.drop(next).take(n as int)).each { lines << [name, platform, "\"${it}\""].join(',') }
            next += n
        }
        return lines.join('\n') + '\n'
    }
}
