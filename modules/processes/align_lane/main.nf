// FASTQ files of one lane -> BAM sorted by coordinate, with a read group
process ALIGN_LANE {
    tag "${meta.id}"
    label 'process_high'

    input:
    tuple val(platform), val(meta), path(fastq, stageAs: 'fastq/?/*'), path(index, stageAs: 'index/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    val aligner  // name, or auto

    output:
    tuple val(meta), path("${meta.id}.sorted.bam"), path("${meta.id}.aligner.txt"), emit: lane
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def files = [fastq].flatten().collect { "--fastq ${Shell.quote(it)}" }.join(' ')
    def (program, version) = [1, 2].collect { "\$(cut -d ' ' -f ${it} ${meta.id}.aligner.txt)".toString() }
    """
    deepcohort align reads ${files} --reference ${fasta} --index index --sample ${meta.sample} --lane ${meta.shard} \\
        --platform ${platform} --aligner ${aligner} --threads ${task.cpus} --output ${meta.id}.sorted.bam \\
        --version-file ${meta.id}.aligner.txt
    ${Versions.write(task, [(program): version])} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.sorted.bam ${meta.id}.aligner.txt
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
