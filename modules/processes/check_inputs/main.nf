// Samplesheet -> samples that are fit to call, as JSON; otherwise every problem at once, by row, and exit 2
process CHECK_INPUTS {
    label 'light'

    input:
    path samplesheet, stageAs: 'samplesheet/*'
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path regions, stageAs: 'regions/*'
    val contigs
    val base_dir
    val launch_dir
    path staged, stageAs: 'staged/?/*'  // only so that containers mount what the samplesheet names

    output:
    path 'samples.json', emit: samples
    path 'cohort.ped', emit: pedigree
    path 'versions.yml', emit: versions

    script:
    def options = [
        regions ? "--regions ${Shell.quote(regions)}" : '',
        contigs ? "--contigs ${Shell.quote(contigs)}" : '',
        base_dir ? "--base ${Shell.quote(base_dir)}" : '',
        "--launch-dir ${Shell.quote(launch_dir)}",
    ].join(' ')
    """
    deepcohort check --samplesheet ${samplesheet} --reference ${fasta} ${options} \\
        --output samples.json --pedigree cohort.ped ${task.ext.args ?: ''}
    echo "CHECK_INPUTS: \$(deepcohort --version), ${task.ext.sources}" > versions.yml
    """

    stub:
    """
    deepcohort check --samplesheet ${samplesheet} --reference ${fasta} --text-only \\
        --output samples.json --pedigree cohort.ped
    echo "CHECK_INPUTS: stub, ${task.ext.sources}" > versions.yml
    """
}
