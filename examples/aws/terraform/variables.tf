variable "name" {
  description = "Begin of the names of everything that is made."
  type        = string
  default     = "katakei"
}

variable "region" {
  type    = string
  default = "ap-northeast-1"
}

variable "vpc_cidr" {
  type    = string
  default = "10.0.0.0/16"
  validation {
    condition     = can(regex("^(\\d{1,3}\\.){3}\\d{1,3}/(1[6-9]|2[0-2])$", var.vpc_cidr))
    error_message = "vpc_cidr takes an IPv4 range from /16 to /22, for example 10.0.0.0/16."
  }
}

variable "allowed_cidr" {
  description = "Who may reach the load balancer. Give the address of your office for a first try."
  type        = string
  default     = "0.0.0.0/0"
}

variable "target_group_name" {
  type    = string
  default = "LaravelTargetGroup"
}

variable "image_parameter" {
  description = "Parameter of Systems Manager that holds the image."
  type        = string
  default     = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

variable "instance_type" {
  type    = string
  default = "t3.micro"
}

variable "database" {
  description = "A MySQL database costs money by the hour, and the first page works without one."
  type        = bool
  default     = false
}

variable "github_repository" {
  description = "owner/name of the repository whose production environment may roll; empty for none."
  type        = string
  default     = ""
}

variable "github_provider" {
  description = "ARN of the account's OpenID Connect provider for token.actions.githubusercontent.com; with github_repository."
  type        = string
  default     = ""
  validation {
    condition     = var.github_repository == "" || var.github_provider != ""
    error_message = "github_repository needs github_provider."
  }
}
