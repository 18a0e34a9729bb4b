// Samplesheet -> samples that are fit to call, as JSON; otherwise every problem at once, by row, and exit 2
process CHECK_INPUTS {
    label 'process_single'

    input:
    path samplesheet, stageAs: 'samplesheet/*'
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path regions, stageAs: 'regions/*'
    val contigs
    val base_dir
    val launch_dir
    path stored, stageAs: 'stored/?/*'  // stored cohorts that the samples join: cohort.json of a folder, or a store
    val formats  // that the cohort will be exported to: their tools must be there
    path staged, stageAs: 'staged/?/*'  // only so that containers mount what the samplesheet names

    output:
    path 'samples.json', emit: samples
    path 'cohort.ped', emit: pedigree
    path 'notes.txt', emit: notes
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def options = [
        regions ? "--regions ${Shell.quote(regions)}" : '',
        contigs ? "--contigs ${Shell.quote(contigs)}" : '',
        base_dir ? "--base-dir ${Shell.quote(base_dir)}" : '',
        "--launch-dir ${Shell.quote(launch_dir)}",
        stored ? '--cohort-list stored.txt' : '',
        formats.collect { "--export ${it}" }.join(' '),
    ].join(' ')
    """
    ${stored ? 'ls stored/*/* > stored.txt' : ''}
    deepcohort check --samplesheet ${samplesheet} --reference ${fasta} ${options} \\
        --output samples.json --pedigree cohort.ped --notes notes.txt ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    ${stored ? 'ls stored/*/* > stored.txt' : ''}
    deepcohort check --samplesheet ${samplesheet} --reference ${fasta} --text-only \\
        ${stored ? '--cohort-list stored.txt' : ''} \\
        --output samples.json --pedigree cohort.ped --notes notes.txt
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
