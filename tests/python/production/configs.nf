// The settings of each of --profiles (a;b,c;...) of the pipeline at --pipeline, as `nextflow config -flat` prints them: one
// file a profile, in the folder where this runs. One JVM for all: each start costs more than all the work.
import java.nio.file.Path
import nextflow.cli.CliOptions
import nextflow.cli.CmdConfig
import nextflow.config.ConfigBuilder
import nextflow.util.ConfigHelper

params.pipeline = null
params.profiles = ''

workflow {
    params.profiles.tokenize(';').each { profile ->
        def builder = new ConfigBuilder()
            .setShowClosures(true)
            .setStripSecrets(true)
            .showMissingVariables(true)
            .setOptions(new CliOptions())
            .setBaseDir(Path.of(params.pipeline))
            .setCmdConfig(new CmdConfig(profile: profile))
        def config = builder.buildConfigObject()
        file("${profile.replace(',', '-')}.config").text = ConfigHelper.toFlattenString(config, false)
        builder.warnings.each { println("WARN: ${profile}: ${it}") }
    }
}
