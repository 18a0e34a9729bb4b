import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.Paths

/** The little that the head process must know of a samplesheet before `deepcohort check` reads it properly. */
class Samplesheet {

    // Nextflow writes these unescaped into its staging scripts (deepcohort check refuses such paths, by row)
    private static final String UNSAFE = /[$*?\[\]{}\x00-\x1f\x7f]/

    /**
     * Local files that the cells of a samplesheet name, with their indexes: staged for the check, so that a container
     * mounts them. What is missing, remote or unsafe is left to the check itself.
     */
    static List<Path> localFiles(Path sheet, List<String> folders) {
        if (!Files.isRegularFile(sheet)) return []
        def found = new LinkedHashSet<Path>()
        def text = new String(Files.readAllBytes(sheet), 'UTF-8').replace('"', '')
        for (String cell : text.split(/[,\r\n]/)) {
            def name = cell.trim()
            if (!name || name.contains('://') || name =~ UNSAFE) continue
            for (String folder : folders) {
                def path = Paths.get(folder).resolve(name)
                if (Files.isRegularFile(path)) {
                    found << path
                    found.addAll(indexesOf(path))
                    break
                }
            }
        }
        return found as List
    }

    /** The index of local reads, beside them, or null. */
    static Path indexOf(path) {
        if (path.toString().contains('://')) return null
        return indexesOf(Paths.get(path.toString())).find { it.toString() ==~ /.*\.(bai|csi|crai)/ }
    }

    private static List<Path> indexesOf(Path path) {
        def stem = path.toString().replaceFirst(/\.(bam|cram)$/, '')
        def names = ['.bai', '.csi', '.crai', '.tbi'].collectMany { ["${path}${it}", "${stem}${it}"] }.unique()
        return names.collect { Paths.get(it.toString()) }.findAll { Files.isRegularFile(it) }
    }

    /** Whether a path can go into Nextflow's staging scripts. */
    static boolean isSafe(path) {
        return !(path.toString() =~ UNSAFE)
    }
}
