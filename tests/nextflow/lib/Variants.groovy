import java.nio.file.Path
import java.util.zip.GZIPInputStream

/** What snapshots hold of a VCF: variants and genotypes, no header, no phase, no numbers that another model would change a little. */
class Variants {

    // below it a site is a matter of opinion
    private static final double CLEAR_QUAL = 20d

    /** CHROM:POS REF>ALT and each sample's GT, of sites that are clear; a GVCF's reference blocks are left out. */
    static List<String> of(file) {
        return records(file).findAll { it[4] != '<NON_REF>' && it[5] != '.' && (it[5] as double) >= CLEAR_QUAL }.collect { fields ->
            def alt = fields[4].tokenize(',').findAll { it != '<NON_REF>' }.join(',')
            "${fields[0]}:${fields[1]} ${fields[3]}>${alt} ${fields[9..-1].collect { it.tokenize(':')[0].tokenize('|/').sort().join('/') }.join(' ')}".toString()
        }
    }

    /** Samples, as the header names them. */
    static List<String> samples(file) {
        return lines(file).find { it.startsWith('#CHROM') }.split('\t').drop(9) as List
    }

    /** The fields of each record. */
    static List<List<String>> records(file) {
        return lines(file).findAll { !it.startsWith('#') }.collect { it.split('\t') as List }
    }

    private static List<String> lines(file) {
        def path = file instanceof Path ? file : Path.of(file.toString())
        return new GZIPInputStream(path.newInputStream()).withCloseable { it.readLines('UTF-8') }
    }
}
