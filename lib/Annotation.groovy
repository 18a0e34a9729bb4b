import java.nio.file.Files
import java.nio.file.Path
import nextflow.Nextflow

/** --alphamissense, --amino_acids, --genes and --scores, as the head must know them. */
class Annotation {

    /** Whether anything is to be annotated. */
    static boolean wanted(Map params) {
        return params.alphamissense || params.genes || params.scores
    }

    /** [ name, file, items ] of each NAME=FILE:ITEMS, which blanks separate. */
    private static List<List<String>> entries(text) {
        return (text ?: '').toString().tokenize(' ').collect { entry ->
            def name = entry.contains('=') ? entry.split('=', 2)[0] : ''
            def rest = entry.contains('=') ? entry.split('=', 2)[1] : entry
            def at = rest.lastIndexOf(':')
            return at > 0 ? [name, rest.substring(0, at), rest.substring(at + 1)] : [name, rest, '']
        }
    }

    /** What is wrong with them, one line each; contents are left to `deepcohort annotate`. */
    static List<String> problems(Map params) {
        if (!wanted(params)) {
            return params.amino_acids ? ['--amino_acids needs --alphamissense and --genes'] : []
        }
        def found = []
        if (params.mode != 'call' || !params.joint) {
            found << '--alphamissense, --genes and --scores annotate the cohort VCF: --mode call, without --joint false'
        }
        if (params.amino_acids && !(params.alphamissense && params.genes)) {
            found << '--amino_acids needs --alphamissense and --genes'
        }
        def all = entries(params.scores)
        all.each { name, file, items ->
            if (!(name ==~ /[A-Za-z_][0-9A-Za-z_]*/) || !items || items.contains('/')) {
                found << "--scores '${name}=${file}' is not NAME=FILE:ITEM,ITEM; see docs/annotation.md".toString()
            }
            else if (!Samplesheet.isSafe(file)) {
                found << "--scores '${file}' holds one of \$ * ? [ ] { } or a control character; ".toString() +
                    'rename or link the file'
            }
            else if (!file.contains('://') && !Files.isRegularFile(Path.of(file))) {
                found << "--scores '${file}' does not exist".toString()
            }
        }
        def names = all.collect { it[1].tokenize('/').last() }
        names.findAll { names.count(it) > 1 }.unique().each {
            found << "--scores names two files ${it}; link one under another name".toString()
        }
        return found
    }

    /** NAME=FILE:ITEMS with the files as a task finds them. */
    static List<String> staged(Map params) {
        return entries(params.scores).collect { name, file, items ->
            "${name}=scores/${file.tokenize('/').last()}:${items}".toString()
        }
    }

    /** Files of --scores and the indexes beside them. */
    static List<Path> files(Map params) {
        return entries(params.scores).collectMany { _name, file, _items ->
            def path = Nextflow.file(file, glob: false) as Path
            def indexes = ['.tbi', '.csi'].collect { suffix ->
                Nextflow.file("${file}${suffix}".toString(), glob: false) as Path
            }
            return [path] + indexes.findAll { index -> Files.exists(index) }
        }
    }
}
