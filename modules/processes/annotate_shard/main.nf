// Cohort VCF, one shard of it -> the same records with annotation
process ANNOTATE_SHARD {
    tag "${meta.id}"
    label 'process_low'

    input:
    tuple val(meta), path(shard), path(vcf, stageAs: 'cohort/*'), path(index, stageAs: 'cohort/*')
    tuple path(fasta, stageAs: 'reference/*'), path(fai, stageAs: 'reference/*'), path(gzi, stageAs: 'reference/*')
    path alphamissense, stageAs: 'alphamissense/*'  // packed, or []
    path amino_acids, stageAs: 'amino_acids/*'      // or []
    path genes, stageAs: 'genes/*'                  // or []
    val scores                                      // [ NAME=FILE:ITEMS, ... ], FILE as staged
    path tables, stageAs: 'scores/*'                // their files and indexes, or []

    output:
    tuple val(meta), path("${meta.id}.annotated.vcf.gz"), path("${meta.id}.annotated.vcf.gz.{tbi,csi}"), emit: vcf
    tuple val("${task.process}"), path('versions.yml'), emit: versions, topic: versions

    script:
    def inputs = [
        alphamissense ? "--alphamissense ${alphamissense}" : '',
        amino_acids ? "--amino-acids ${amino_acids}" : '',
        genes ? "--genes ${genes}" : '',
        *scores.collect { "--scores ${Shell.quote(it)}" },
    ].findAll().join(' ')
    """
    deepcohort annotate --vcf ${vcf} --reference ${fasta} --regions ${shard} ${inputs} \\
        --output ${meta.id}.annotated.vcf.gz ${task.ext.args ?: ''}
    ${Versions.write(task)} # ${task.ext.sources}
    """

    stub:
    """
    touch ${meta.id}.annotated.vcf.gz ${meta.id}.annotated.vcf.gz.tbi
    ${Versions.stub(task)} # ${task.ext.sources}
    """
}
