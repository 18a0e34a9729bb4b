import groovy.json.JsonSlurper
import java.nio.file.Files
import java.nio.file.Path

/** Pipeline parameters against nextflow_schema.json, without a plug-in (clusters are often offline). */
class Parameters {

    private static Map groups(Path schema) {
        return new JsonSlurper().parse(schema.toFile())['$defs'] as Map
    }

    private static Map<String, Map> known(Path schema) {
        def all = [:]
        groups(schema).values().each { group -> all.putAll(group.properties as Map) }
        return all
    }

    /** What `--help` prints. */
    static String help(Path schema, String version) {
        def lines = [
            "deepcohort ${version}: germline variants of many samples, from BAM or CRAM to a cohort VCF",
            '',
            'Usage:',
            '  nextflow run . --samplesheet cohort.csv --reference ref.fa --outdir results',
            '  nextflow run . -profile demo          a simulated cohort, nothing needed, minutes',
            '',
        ]
        groups(schema).values().each { group ->
            lines << "${group.title}:".toString()
            group.properties.each { name, rule ->
                if (rule.hidden) return
                def names = rule.alias ? "--${name}, --${rule.alias}" : "--${name}"
                def value = rule['default'] == null ? '' : " [${rule['default']}]"
                def choice = rule['enum'] ? " (${rule['enum'].join(', ')})" : ''
                lines << ('  ' + names + ' ').padRight(20) + rule.description + choice + value
            }
            lines << ''
        }
        lines << 'Profiles (-profile a,b): demo, test, test_real, docker, podman, singularity, apptainer, conda,'
        lines << '  slurm, awsbatch, googlebatch, kubernetes; gpu combines with any. See docs/usage.md.'
        lines << 'Add -resume to go on where a run stopped.'
        return lines.join('\n')
    }

    /** Every problem of `params`, one line each; empty when all is well. */
    static List<String> problems(Path schema, Map params, String command = '') {
        def rules = known(schema)
        def found = aliasProblems(rules, params)
        params.each { name, value ->
            if (rules.any { other, rule ->
                rule.alias == name && params[other] != null && params[other].toString() == value?.toString()
            }) {
                return  // told under the name that was given
            }
            if (!rules.containsKey(name)) {
                // Nextflow adds the camelCase form of --with-hyphens by itself
                if (params.keySet().any { it.contains('-') && camel(it) == name }) return
                def near = rules.keySet().min { distance(it, name.replace('-', '_')) }
                if (params.custom_config_base && !command.contains("--${name}") && distance(near, name) > 2) {
                    // institutions set what other pipelines know (igenomes_base and the like)
                    System.err.println("deepcohort: note: unknown parameter ${name} of a configuration is not used")
                    return
                }
                def hint = distance(near, name.replace('-', '_')) <= 3 ? "; did you mean --${near}?" : '; see --help'
                found << "unknown parameter --${name}${hint}".toString()
            }
            else if (value != null) {
                def problem = check(rules[name], value)
                if (problem) found << "--${name} ${problem}".toString()
            }
        }
        return found
    }

    /** Two names of one setting that say different things. */
    private static List<String> aliasProblems(Map<String, Map> rules, Map params) {
        return rules.findAll { name, rule ->
            rule.alias && params[name] != null && params[name].toString() != params[rule.alias]?.toString()
        }
            .collect { name, rule ->
                params[rule.alias] == null
                    ? "--${name} '${params[name]}' was set too late (by a file of -c?); ".toString() +
                        'give it on the command line or by -params-file'
                    : "--${name} '${params[name]}' and --${rule.alias} '${params[rule.alias]}' are one ".toString() +
                        'setting; give one of them'
            }
    }

    private static String check(Map rule, value) {
        def type = rule.type
        if (type == 'integer' && !(value instanceof Integer || value instanceof Long)) {
            return "must be a whole number, not '${value}'"
        }
        if (type == 'number' && !(value instanceof Number)) return "must be a number, not '${value}'"
        if (type == 'boolean' && !(value instanceof Boolean)) return "is true or false, not '${value}'"
        if (type == 'string' && value instanceof Boolean) return 'needs a value'
        if (rule['enum'] && !(value.toString() in rule['enum']*.toString())) {
            return "'${value}' is unknown; use one of: ${rule['enum'].join(', ')}"
        }
        if (rule.minimum != null && (value as BigDecimal) < (rule.minimum as BigDecimal)) {
            return "${value} is below ${rule.minimum}"
        }
        if (rule.pattern && !(value.toString() ==~ rule.pattern)) return "'${value}' ${rule.errorMessage}"
        if (rule.format == 'file-path' && !value.toString().contains('://')) return checkFile(value.toString())
        return null
    }

    private static String checkFile(String text) {
        if (!Samplesheet.isSafe(text)) {
            return "'${text}' holds one of \$ * ? [ ] { } or a control character; rename or link the file"
        }
        def path = Path.of(text)
        if (!Files.exists(path)) return "'${text}' does not exist"
        if (Files.isDirectory(path)) return "'${text}' is a folder, not a file"
        if (!Files.isReadable(path)) return "'${text}' cannot be read"
        return null
    }

    private static String camel(String name) {
        return name.replaceAll(/-([a-zA-Z0-9])/) { all, letter -> letter.toUpperCase() }
    }

    /** Levenshtein distance. */
    private static int distance(String a, String b) {
        int[] previous = (0..b.size()) as int[]
        for (int i = 1; i <= a.size(); i++) {
            int[] row = new int[b.size() + 1]
            row[0] = i
            for (int j = 1; j <= b.size(); j++) {
                int change = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)
                row[j] = Math.min(Math.min(previous[j] + 1, row[j - 1] + 1), change)
            }
            previous = row
        }
        return previous[b.size()]
    }
}
