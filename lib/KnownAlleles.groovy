import java.nio.file.Files
import java.nio.file.Path

/** --alleles, --panel and --fingerprints, as the head must know them. */
class KnownAlleles {

    /** Index beside a file: the one there is, or .tbi (of a VCF) or .csi (of a BCF) if it cannot be seen from here. */
    static String index(name) {
        def found = ['.tbi', '.csi'].collect { name.toString() + it }
        def usual = name.toString().endsWith('.bcf') ? found[1] : found[0]
        if (name.toString().contains('://')) return usual
        return found.find { Files.exists(Path.of(it)) } ?: usual
    }

    /** What is wrong, one line each; contents are left to `deepcohort call`. */
    static List<String> problems(Map params) {
        def found = []
        def files = [alleles: params.alleles, panel: params.panel, fingerprints: params.fingerprints]
        files.findAll { it.value }.each { option, given ->
            def name = given.toString()
            if (params.mode != 'call') found << "--${option} is for --mode call".toString()
            if (!name.contains('://') && Files.exists(Path.of(name)) && !Files.exists(Path.of(index(name)))) {
                found << "--${option} ${name} is not indexed; run: bcftools index ${name}".toString()
            }
        }
        if (params.panel_population && !params.panel) found << '--panel_population needs a panel; give --panel'
        return found
    }
}
