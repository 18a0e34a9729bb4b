import java.nio.file.Files
import java.nio.file.Path

/** --alleles, as the head must know it. */
class KnownAlleles {

    /** Index beside a file: the one there is, or .tbi (of a VCF) or .csi (of a BCF) where it cannot be seen from here. */
    static String index(name) {
        def found = ['.tbi', '.csi'].collect { name.toString() + it }
        def usual = name.toString().endsWith('.bcf') ? found[1] : found[0]
        if (name.toString().contains('://')) return usual
        return found.find { Files.exists(Path.of(it)) } ?: usual
    }

    /** What is wrong, one line each; contents are left to `deepcohort call`. */
    static List<String> problems(Map params) {
        if (!params.alleles) return []
        def name = params.alleles.toString()
        def found = []
        if (params.mode != 'call') found << '--alleles is for --mode call'
        if (!name.contains('://') && Files.exists(Path.of(name)) && !Files.exists(Path.of(index(name)))) {
            found << "--alleles ${name} is not indexed; run: bcftools index ${name}".toString()
        }
        return found
    }
}
