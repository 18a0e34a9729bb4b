import java.nio.file.Files
import java.nio.file.Path
import nextflow.Nextflow

/** The samplesheet of --mode filter: VCFs of any caller and their reads; rows of one VCF make up its cohort. */
class VcfSheet {

    private static final List<String> COLUMNS = ['vcf', 'sample', 'reads', 'platform']
    private static final List<String> PLATFORMS = ['illumina', 'hifi', 'ont']

    /** What is wrong with --filter and --mode filter, one line each. */
    static List<String> problems(Map params) {
        if (params.filter && (params.mode != 'call' || !params.joint)) {
            return ['--filter scores the cohort VCF of --mode call, with --joint; for VCFs that exist: --mode filter']
        }
        if (params.mode != 'filter') return []
        def found = ['regions', 'contigs', 'simulate', 'cohort'].findAll { params[it] }
            .collect { "--${it} is not for --mode filter, which filters whole VCFs; leave it out".toString() }
        if (params.samplesheet && Files.isRegularFile(Path.of(params.samplesheet.toString()))) {
            found += sheetProblems(params.samplesheet, params.base_dir)
        }
        return found
    }

    /** [ name, vcf, index or [], [ [ sample:, platform:, reads:, indexes: ], ... ] ] of each VCF. */
    static List<List> cohorts(samplesheet, baseDir) {
        def base = folder(samplesheet, baseDir)
        return rows(samplesheet).groupBy { it.vcf }.collect { vcf, own ->
            def path = Nextflow.file(place(base, vcf), glob: false) as Path
            def index = ['.tbi', '.csi'].collect { Nextflow.file("${path.toUriString()}${it}", glob: false) }
                .find { it.exists() }
            def samples = own.groupBy { it.sample }.collect { name, lines ->
                def reads = lines.collect { place(base, it.reads) }
                def indexes = reads.collect { Samplesheet.indexOf(it) ?: "${it}.bai".toString() }
                [sample: name, platform: platform(lines), reads: reads, indexes: indexes]
            }
            [name(vcf), path, index ?: [], samples]
        }
    }

    private static String platform(List<Map> lines) {
        return lines.findResult { it.platform ?: null } ?: 'illumina'
    }

    private static String name(String vcf) {
        return vcf.tokenize('/').last().replaceFirst(/\.vcf\.gz$/, '')
    }

    private static Path folder(samplesheet, baseDir) {
        def place = baseDir ?: Nextflow.file(samplesheet, glob: false).parent
        return Nextflow.file(place.toString(), glob: false) as Path
    }

    private static String place(Path base, String cell) {
        return cell.contains('://') ? cell : base.resolve(cell).toString()
    }

    private static List<Map> rows(samplesheet) {
        def sheet = Nextflow.file(samplesheet, glob: false) as Path
        def lines = sheet.text.replaceFirst('^\uFEFF', '').readLines().findAll { it.trim() }
        def header = cells(lines ? lines[0] : '')
        return lines.drop(1).withIndex().collect { line, i ->
            def values = cells(line)
            def named = header.withIndex().collectEntries { key, k -> [key, k < values.size() ? values[k] : ''] }
            named + [number: i + 2, header: header]
        }
    }

    private static List<String> cells(String line) {
        return line.split(',', -1).collect { it.trim().replaceAll(/^"|"$/, '') }
    }

    private static List<String> sheetProblems(samplesheet, baseDir) {
        def all = rows(samplesheet)
        def sheet = "samplesheet ${samplesheet}"
        if (!all) {
            return ["${sheet} has no rows; its columns are vcf, sample, reads, platform".toString()]
        }
        def lacking = COLUMNS.take(3) - all[0].header
        def strange = all[0].header - COLUMNS
        if (lacking) {
            def needed = '--mode filter needs vcf, sample, reads'
            return ["${sheet} lacks the column ${lacking.join(', ')}; ${needed}".toString()]
        }
        if (strange) {
            def known = "--mode filter knows ${COLUMNS.join(', ')}"
            return ["${sheet} has an unknown column ${strange.join(', ')}; ${known}".toString()]
        }
        def base = folder(samplesheet, baseDir)
        def found = all.collectMany { row ->
            rowProblems(row, base).collect { "samplesheet row ${row.number}: ${it}".toString() }
        }
        all.groupBy { [it.vcf, it.sample] }.each { key, own ->
            if (own*.platform.findAll().unique().size() > 1) {
                found << "samplesheet row ${own[-1].number}: sample ${key[1]} has more than one platform".toString()
            }
            own.groupBy { it.reads }.values().findAll { it.size() > 1 }.each {
                def before = "are listed already in row ${it[0].number}"
                found << "samplesheet row ${it[1].number}: reads ${it[1].reads} ${before}".toString()
            }
        }
        def names = all*.vcf.unique().collect { name(it) }
        names.findAll { names.count(it) > 1 }.unique().each {
            def remedy = 'results would have one name, so link one under another'
            found << "samplesheet names two VCFs ${it}.vcf.gz; ${remedy}".toString()
        }
        return found
    }

    private static List<String> rowProblems(Map row, Path base) {
        def empty = COLUMNS.take(3).findAll { !row[it] }
        if (empty) return ["${empty.join(', ')} is empty"]
        def found = []
        if (!row.vcf.endsWith('.vcf.gz')) found << "vcf ${row.vcf} does not end in .vcf.gz; run: bcftools view -Oz"
        if (!(row.reads.toLowerCase() ==~ /.*\.(bam|cram)/)) found << "reads ${row.reads} is neither .bam nor .cram"
        if (row.platform && !(row.platform in PLATFORMS)) {
            found << "platform ${row.platform} is none of ${PLATFORMS.join(', ')}"
        }
        [row.vcf, row.reads].each { cell ->
            def path = place(base, cell)
            if (!Samplesheet.isSafe(path) || cell.contains('"')) {
                found << "${cell} holds one of \$ * ? [ ] { } \" or a control character; rename or link it"
            } else if (!path.contains('://') && !Files.isRegularFile(Path.of(path))) {
                found << "${cell} does not exist"
            } else if (!path.contains('://') && cell == row.reads && !Samplesheet.indexOf(path)) {
                found << "${cell} is not indexed; run: samtools index ${cell}"
            }
        }
        return found
    }
}
