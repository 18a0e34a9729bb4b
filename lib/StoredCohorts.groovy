import groovy.json.JsonSlurper
import java.nio.file.Files
import java.nio.file.Path
import nextflow.Nextflow

/** What the head must know of the stored cohorts of --cohort: which files there are, and which shard needs which. */
class StoredCohorts {

    private static final String TABLE = 'cohort.json'

    private static List<Path> entries(text) {
        def names = (text ?: '').toString().split(',')*.trim().findAll { it }
        return names.collect { Nextflow.file(it, glob: false) as Path }
    }

    private static Map table(Path folder) {
        return new JsonSlurper().parseText(folder.resolve(TABLE).text) as Map
    }

    /** What is wrong with --cohort, one line each; contents are left to `deepcohort check`. */
    static List<String> problems(Map params) {
        if (!params.cohort) return []
        if (params.mode != 'call' || !params.joint)
            return ['--cohort is for joint genotyping: --mode call, without --joint false']
        def own = (Nextflow.file(params.outdir.toString(), glob: false) as Path).toAbsolutePath().normalize()
        return entries(params.cohort).collectMany { path ->
            if (!Samplesheet.isSafe(path))
                return ["--cohort '${path}' holds one of \$ * ? [ ] { } or a control character".toString()]
            if (!Files.exists(path))
                return ["--cohort '${path}' does not exist".toString()]
            if (params.save_cohort && path.toAbsolutePath().normalize().startsWith(own)) {
                return ["--cohort '${path}' lies in --outdir, where this run's own would replace it; ".toString() +
                    'choose another --outdir']
            }
            return Files.isDirectory(path) ? folderProblems(path) : []
        }
    }

    private static List<String> folderProblems(Path folder) {
        if (!Files.exists(folder.resolve(TABLE))) {
            return ["--cohort '${folder}' has no ${TABLE}; ".toString() +
                'name the cohort/store folder of a finished run, or a store']
        }
        def parts
        try {
            parts = table(folder).parts as List<Map>
        }
        catch (Exception error) {
            return ["--cohort '${folder}': ${TABLE} cannot be read (${error.message.readLines()[0]})".toString()]
        }
        return parts.collectMany { part ->
            def path = folder.resolve(part.file.toString())
            if (!Files.exists(path))
                return ["--cohort '${folder}' lacks its part ${part.file}; copy or make it again".toString()]
            if (Files.size(path) != (part.bytes as long)) {
                return ["--cohort '${folder}': ${part.file} is not the one that ${TABLE} names; ".toString() +
                    'finish the run that wrote it']
            }
            return []
        }
    }

    /** How many samples the stored folders hold; stores of their own are not opened here and count as none. */
    static int count(text) {
        return entries(text).findAll { Files.isDirectory(it) }.sum(0) { (table(it).samples as List).size() } as int
    }

    /** The files that say what each stored cohort holds. */
    static List<Path> heads(text) {
        return entries(text).collect { Files.isDirectory(it) ? it.resolve(TABLE) : it }
    }

    /** [ store, [ [contig, start, end], ... ] or null where it is not known from outside ] of all parts. */
    static List<List> parts(text) {
        return entries(text).collectMany { path ->
            if (!Files.isDirectory(path)) return [[path, null]]
            return table(path).parts.collect { [path.resolve(it.file.toString()), it.regions] }
        }
    }

    /** The stores that may hold a region of `bed`. */
    static List<Path> holding(List<List> parts, bed) {
        if (!parts) return []
        // by contig: assemblies have them by the ten thousand, in shards and parts alike
        def regions = bed.readLines()*.split('\t').findAll { it.size() > 2 }.groupBy { it[0] }
        return parts.findAll { _store, held ->
            held == null || held.any { h ->
                regions[h[0]]?.any { r -> (h[1] as long) < (r[2] as long) && (r[1] as long) < (h[2] as long) }
            }
        }.collect { it[0] }
    }
}
